use kernel::{OrgId, Period, Timestamp};

use super::plan::PlanId;

/// Whether a subscription is being paid for. The words are Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubscriptionStatus {
    /// All is well.
    Active,
    /// A trial that has not ended.
    Trialing,
    /// A payment failed; access goes on for a time.
    PastDue,
    /// An administrator paused it: the organization has what the default plan gives.
    Suspended,
    /// It ended: the organization has what the default plan gives.
    Canceled,
    /// A payment is missing for longer than access goes on: the organization has what the default plan gives until it is made.
    Unpaid,
}

impl SubscriptionStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::Trialing, Self::PastDue, Self::Suspended, Self::Canceled, Self::Unpaid];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Trialing => "trialing",
            Self::PastDue => "past_due",
            Self::Suspended => "suspended",
            Self::Canceled => "canceled",
            Self::Unpaid => "unpaid",
        }
    }

    /// Reads [`SubscriptionStatus::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether the organization has what its plan gives, rather than what the default plan gives.
    pub const fn grants(self) -> bool {
        matches!(self, Self::Active | Self::Trialing | Self::PastDue)
    }
}

/// Why an organization is on its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Nobody chose: the plan that every organization starts on.
    Default,
    /// The installation gave it to the first administrator's organization.
    Installation,
    /// A platform administrator gave it.
    Administrator,
    /// It is paid for.
    Payment,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Default, Self::Installation, Self::Administrator, Self::Payment];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Installation => "installation",
            Self::Administrator => "administrator",
            Self::Payment => "payment",
        }
    }

    /// Reads [`Source::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// Which plan an organization is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Whose.
    pub org: OrgId,
    /// The plan.
    pub plan: PlanId,
    /// Whether it counts.
    pub status: SubscriptionStatus,
    /// Why it is this one.
    pub source: Source,
    /// When it began; its months are counted from here.
    pub anchor: Timestamp,
    /// When a trial ends.
    pub trial_ends_at: Option<Timestamp>,
    /// Grows by one with each change; 0 for an organization that was never moved.
    pub version: u32,
}

impl Subscription {
    /// The month of the subscription in which `at` lies.
    pub fn month(&self, at: Timestamp) -> Period {
        Period::month(self.anchor, at)
    }

    /// The status at this time: a trial that is over has ended, though nobody wrote it down.
    pub fn status_at(&self, at: Timestamp) -> SubscriptionStatus {
        if self.status.grants() && !self.grants(at) { SubscriptionStatus::Canceled } else { self.status }
    }

    /// Whether the plan's gifts are the organization's at this time: a trial ends by itself.
    pub fn grants(&self, at: Timestamp) -> bool {
        self.status.grants() && self.trial_ends_at.is_none_or(|end| at < end)
    }
}
