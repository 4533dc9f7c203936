//! Which counters a call moves.
use kernel::{OrgId, Period, Timestamp, UserId};
use uuid::Uuid;

use crate::value::micros;

/// How long a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Span {
    /// A month of the subscription.
    Month,
    /// A day, UTC.
    Day,
}

impl Span {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Month, Self::Day].into_iter().find(|span| span.as_str() == text)
    }
}

/// One counter: of an organization, or of a user within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CounterKey {
    pub(crate) org: Uuid,
    pub(crate) user: Option<Uuid>,
    pub(crate) span: Span,
    /// The period's first moment, microseconds since 1970.
    pub(crate) start: i64,
}

impl CounterKey {
    /// The column that says whose counter it is.
    pub(crate) fn subject(&self) -> String {
        self.user.map(|user| user.hyphenated().to_string()).unwrap_or_default()
    }
}

/// The counters that one call moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) month: CounterKey,
    pub(crate) day: CounterKey,
    pub(crate) user: Option<CounterKey>,
}

impl Keys {
    /// Those of these periods, which begin at microseconds since 1970.
    pub(crate) fn new(org: Uuid, user: Option<Uuid>, month: i64, day: i64) -> Self {
        let key = |user, span, start| CounterKey { org, user, span, start };
        Self {
            month: key(None, Span::Month, month),
            day: key(None, Span::Day, day),
            user: user.map(|user| key(Some(user), Span::Month, month)),
        }
    }

    pub(crate) fn each(self) -> impl Iterator<Item = CounterKey> {
        [Some(self.month), Some(self.day), self.user].into_iter().flatten()
    }
}

/// Who pays for a call, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Payer {
    pub(crate) org: OrgId,
    pub(crate) user: Option<UserId>,
    pub(crate) month: Period,
    pub(crate) day: Period,
}

impl Payer {
    /// In the periods in which `at` lies, the months counted from `anchor`.
    pub(crate) fn at(org: OrgId, user: Option<UserId>, anchor: Timestamp, at: Timestamp) -> Self {
        Self { org, user, month: Period::month(anchor, at), day: Period::day(at) }
    }

    pub(crate) fn keys(&self) -> Keys {
        let user = self.user.map(UserId::uuid);
        Keys::new(self.org.uuid(), user, micros(self.month.start), micros(self.day.start))
    }
}
