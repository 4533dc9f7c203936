use std::sync::Arc;

use chrono::NaiveDate;
use kernel::{Ambient, OrgId, ServiceName, Timestamp, UserId};

use crate::policy::{days_until, history};
use crate::{Cursor, Days, Entry, Grain, History, Sum, Tally, UsageError, UsageReader};

/// Where an organization stands, and what of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// The counts.
    pub tally: Tally,
    /// When they were read.
    pub at: Timestamp,
    /// The days until the month ends, one that has begun counted as one.
    pub days_until_reset: u64,
    /// What was used by service since the day on which the month began; that whole day counts.
    pub services: Vec<(ServiceName, Sum)>,
    /// The day of these on which most was used, the first of several, and how much.
    pub peak: Option<(NaiveDate, u64)>,
}

/// Which part of the history is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The days.
    pub days: Days,
    /// How they are cut.
    pub grain: Grain,
    /// Whether it is also told by user.
    pub users: bool,
}

/// A page of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The rows, in the order of recording.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` after the last row.
    pub next: Option<Cursor>,
}

/// Questions about what was used. Whether the caller may ask is decided before.
#[derive(Clone)]
pub struct Usage {
    reader: Arc<dyn UsageReader>,
    ambient: Ambient,
}

impl Usage {
    /// The most rows of one page of an export.
    pub const EXPORT_PAGE: u32 = 1_000;

    /// The use cases over this reader.
    pub fn new(reader: Arc<dyn UsageReader>, ambient: Ambient) -> Self {
        Self { reader, ambient }
    }

    /// The counts now, against the limits of the plan: of the organization, and of a user if one is named.
    pub async fn tally(&self, org: OrgId, user: Option<UserId>) -> Result<Tally, UsageError> {
        self.reader.tally(org, user, self.ambient.now()).await?.ok_or(UsageError::NoOrg)
    }

    /// The same, at most one second old: for what is told beside an answer and decides nothing.
    pub async fn recent_tally(&self, org: OrgId, user: Option<UserId>) -> Result<Tally, UsageError> {
        self.reader.recent_tally(org, user, self.ambient.now()).await?.ok_or(UsageError::NoOrg)
    }

    /// Where the organization stands in its month, and what was used of which service.
    pub async fn current(&self, org: OrgId, user: Option<UserId>) -> Result<Current, UsageError> {
        let at = self.ambient.now();
        let tally = self.reader.tally(org, user, at).await?.ok_or(UsageError::NoOrg)?;
        let days = Days { from: tally.month.period.start.date_naive(), to: at.date_naive() };
        let history = history(&self.reader.history(org, days).await?, days, Grain::Day);
        let days_until_reset = days_until(at, tally.month.period.end);
        let busy = history.slots.iter().filter(|slot| slot.sum.quantity > 0);
        let peak = busy.rev().max_by_key(|slot| slot.sum.quantity).map(|slot| (slot.days.from, slot.sum.quantity));
        Ok(Current { tally, at, days_until_reset, services: history.services, peak })
    }

    /// The last `count` days, today included: 1 to [`Days::MAX`].
    pub fn last_days(&self, count: u16) -> Result<Days, UsageError> {
        Days::last(count, self.ambient.now().date_naive()).map_err(|error| UsageError::Invalid("days", error))
    }

    /// What was used on some days, cut as asked, zero where nothing was.
    pub async fn history(&self, org: OrgId, span: Span) -> Result<History, UsageError> {
        let mut told = history(&self.reader.history(org, span.days).await?, span.days, span.grain);
        if span.users {
            told.users = self.reader.users(org, span.days).await?;
        }
        Ok(told)
    }

    /// Ledger rows of some days, by pages: the first with `after` none, each next one with the cursor of the one before.
    pub async fn export(&self, org: OrgId, days: Days, after: Option<Cursor>) -> Result<Export, UsageError> {
        let entries = self.reader.entries(org, days, after, Self::EXPORT_PAGE).await?;
        let full = u32::try_from(entries.len()).is_ok_and(|rows| rows >= Self::EXPORT_PAGE);
        let last = entries.last().filter(|_| full);
        let next = last.map(|entry| (entry.recorded_at, entry.event.clone()));
        Ok(Export { entries, next })
    }
}
