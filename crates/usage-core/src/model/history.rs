use chrono::NaiveDate;
use kernel::{ServiceName, Timestamp, UserId};

use super::event::{EventId, FieldError};

/// What was used on one day, UTC, of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayUsage {
    /// The day.
    pub day: NaiveDate,
    /// The service.
    pub service: ServiceName,
    /// How many events.
    pub events: u64,
    /// How much they cost together.
    pub quantity: u64,
}

/// Which days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
}

impl Days {
    /// The most days of one question: a leap year.
    pub const MAX: u16 = 366;

    /// The last `count` days, with `today` as the last of them. `Err` outside 1 to 366.
    pub fn last(count: u16, today: NaiveDate) -> Result<Self, FieldError> {
        if !(1..=Self::MAX).contains(&count) {
            return Err(FieldError::Days);
        }
        let from = today.checked_sub_days(chrono::Days::new(u64::from(count - 1)));
        from.map(|from| Self { from, to: today }).ok_or(FieldError::Days)
    }

    /// Every one of them, the first first; none when `from` is after `to`.
    pub fn iter(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |day| *day <= self.to)
    }

    /// Whether a day is one of them.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

/// How history is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grain {
    /// Days, UTC.
    Day,
    /// Weeks from Monday to Sunday (ISO 8601).
    Week,
    /// Months of the calendar.
    Month,
}

impl Grain {
    /// Every grain.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
        }
    }

    /// Reads [`Grain::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grain| grain.as_str() == text)
    }
}

/// A number of events and what they cost together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many events.
    pub events: u64,
    /// How much they cost together.
    pub quantity: u64,
}

impl Sum {
    /// A day's row.
    pub const fn of(row: &DayUsage) -> Self {
        Self { events: row.events, quantity: row.quantity }
    }

    /// Counts a day's row in.
    pub const fn add(&mut self, row: &DayUsage) {
        self.events = self.events.saturating_add(row.events);
        self.quantity = self.quantity.saturating_add(row.quantity);
    }
}

/// A stretch of history: a day, a week or a month, as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its days, of those that were asked for.
    pub days: Days,
    /// What was used in it; zero where nothing was.
    pub sum: Sum,
    /// The same by service, by name; services that were not used are left out.
    pub services: Vec<(ServiceName, Sum)>,
}

/// What was used on some days, cut in stretches and in shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The days.
    pub days: Days,
    /// The stretches, the first first, without a gap.
    pub slots: Vec<Slot>,
    /// All of it.
    pub total: Sum,
    /// By service, the name decides the order.
    pub services: Vec<(ServiceName, Sum)>,
    /// By user, those that no person made first; empty unless they were asked for.
    pub users: Vec<(Option<UserId>, Sum)>,
}

/// Where the next page of an export begins: after the row with this time of recording and this name.
pub type Cursor = (Timestamp, EventId);

/// A counter or a day whose number is not the sum of its ledger rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Of which organization.
    pub org: kernel::OrgId,
    /// Which number: `month 2026-11-01T09:30:00Z`, `day 2026-11-22`, `total 2026-11-22 chat`.
    pub what: String,
    /// What it says.
    pub counted: i64,
    /// What the ledger says.
    pub ledger: i64,
}

/// What checking the counters against the ledger found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many organizations were checked.
    pub organizations: u64,
    /// How many ledger rows were summed.
    pub entries: u64,
    /// What does not agree, at most 100.
    pub differences: Vec<Difference>,
}
