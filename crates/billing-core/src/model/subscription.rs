use kernel::{Period, SubscriptionId, Timestamp};

use super::{cycle::Cycle, money::Money};

/// Where a paid subscription stands. The words are Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// The first payment was not made yet.
    Incomplete,
    /// The first payment was never made.
    IncompleteExpired,
    /// A trial that has not ended.
    Trialing,
    /// Paid.
    Active,
    /// A payment failed, and is tried again.
    PastDue,
    /// It ended.
    Canceled,
    /// A payment failed, and is not tried again.
    Unpaid,
    /// A trial ended without a payment method.
    Paused,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Incomplete,
        Self::IncompleteExpired,
        Self::Trialing,
        Self::Active,
        Self::PastDue,
        Self::Canceled,
        Self::Unpaid,
        Self::Paused,
    ];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
        }
    }

    /// Reads [`PaymentStatus::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether it will never be charged again.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

/// A change that is agreed and has not happened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChange {
    /// The plan to come.
    pub plan: String,
    /// How it will be paid.
    pub cycle: Cycle,
    /// When; a change that waits for its invoice to be paid has no time.
    pub at: Option<Timestamp>,
}

/// What an organization pays for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidSubscription {
    /// Its name here.
    pub id: SubscriptionId,
    /// Its name at the provider; the manual one has none.
    pub external: Option<String>,
    /// The plan that is paid for.
    pub plan: String,
    /// How often.
    pub cycle: Cycle,
    /// What a cycle costs; negotiated prices may differ from the plan's.
    pub amount: Money,
    /// Where it stands.
    pub status: PaymentStatus,
    /// When it began; its periods are counted from here.
    pub anchor: Timestamp,
    /// The period that is paid, or is to be paid.
    pub period: Period,
    /// When a trial ends.
    pub trial_ends_at: Option<Timestamp>,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// Since when a payment is missing: grace is counted from here.
    pub past_due_since: Option<Timestamp>,
    /// What is agreed for later.
    pub pending: Option<PendingChange>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}
