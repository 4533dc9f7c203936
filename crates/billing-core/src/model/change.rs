use kernel::{OrgId, Timestamp};

use super::{cycle::Cycle, money::Money};

/// When a change of plan is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effective {
    /// At once; the difference is charged now.
    Immediate,
    /// With the next period; nothing is charged until then.
    NextCycle,
}

impl Effective {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::NextCycle => "next_cycle",
        }
    }

    /// Reads [`Effective::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Immediate, Self::NextCycle].into_iter().find(|when| when.as_str() == text)
    }
}

/// Something that a provider is asked to do to a subscription. It is written down before it is asked for, and asked for under one name
/// until it has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Sell it as another price from `prorated_at` on, and charge the difference now: `due`, as was quoted.
    ChangeNow {
        /// The provider's name for the subscription.
        external: String,
        /// What it is to be sold as.
        price: String,
        /// From when the difference is counted.
        prorated_at: Timestamp,
        /// What was quoted.
        due: Money,
    },
    /// Sell it as another price from its next period on.
    ChangeAtPeriodEnd {
        /// The provider's name for the subscription.
        external: String,
        /// What it is to be sold as.
        price: String,
    },
    /// End it with its period, or not after all. Takes back what was agreed for the next period.
    CancelAtPeriodEnd {
        /// The provider's name for the subscription.
        external: String,
        /// Whether it is to end.
        cancel: bool,
    },
    /// End it now.
    CancelNow {
        /// The provider's name for the subscription.
        external: String,
    },
}

/// A command on its way to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its name, which is also the provider's `Idempotency-Key`.
    pub id: kernel::TaskId,
    /// For whom.
    pub org: OrgId,
    /// What.
    pub command: Command,
    /// How often it was tried.
    pub attempts: u32,
}

/// What a change of plan costs, as a provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proration {
    /// For the rest of the period on the new plan, in minor units.
    pub charge_minor: i64,
    /// For the rest of the period on the old plan, in minor units, not negative.
    pub credit_minor: i64,
    /// What is to be paid now; negative is a credit that stays with the customer.
    pub due: Money,
}

/// What else a change of plan means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// More members than seats: (members and open invitations, seats).
    Seats(u32, u32),
    /// Provider keys of one's own are switched off: so many.
    Byok(u32),
    /// More is used already than the new plan gives: (used, limit).
    Quota(u64, u64),
}

/// A move between plans for the books: what revenue is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Whose.
    pub org: OrgId,
    /// When.
    pub at: Timestamp,
    /// The plan before; `None` for nothing.
    pub from_plan: Option<String>,
    /// The plan after; `None` for nothing.
    pub to_plan: Option<String>,
    /// How the plan after is paid for.
    pub cycle: Option<Cycle>,
    /// What a month was worth before, in minor units; a year's price is divided by twelve, rounded half to even.
    pub from_monthly: Option<Money>,
    /// What a month is worth after.
    pub to_monthly: Option<Money>,
    /// Why, in a word: one of [`Movement::REASONS`].
    pub why: &'static str,
}

impl Movement {
    /// Every reason for a movement.
    pub const REASONS: [&'static str; 9] = [
        "checkout",
        "upgrade",
        "downgrade",
        "canceled",
        "unpaid",
        "recovered",
        "trial_started",
        "trial_ended",
        "granted",
    ];

    /// Reads a reason.
    pub fn reason(text: &str) -> Option<&'static str> {
        Self::REASONS.into_iter().find(|reason| *reason == text)
    }
}
