use std::borrow::Cow;

use kernel::{OrgId, ServiceName, Timestamp, UserId};

use super::plan::PlanId;

/// A question: may this call happen?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// For which organization.
    pub org: OrgId,
    /// By whom; `None` for a call that no person makes.
    pub user: Option<UserId>,
    /// Of which service.
    pub service: ServiceName,
    /// How much of the quota it costs, 1 to 10⁹.
    pub quantity: u64,
    /// Whether the quantity is to be held, and for how many seconds.
    pub reserve: Option<u32>,
}

/// The checks of a decision, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// Does the plan open the service?
    Entitlement,
    /// Has the organization quantity left?
    OrgQuota,
    /// Has the user quantity left?
    UserQuota,
    /// Are there too many calls at once?
    RateLimit,
    /// Whose provider key pays?
    Byok,
}

impl Check {
    /// Every check, in order.
    pub const ALL: [Self; 5] = [Self::Entitlement, Self::OrgQuota, Self::UserQuota, Self::RateLimit, Self::Byok];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entitlement => "entitlement",
            Self::OrgQuota => "org_quota",
            Self::UserQuota => "user_quota",
            Self::RateLimit => "rate_limit",
            Self::Byok => "byok",
        }
    }
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which check.
    pub check: Check,
    /// Whether the call may go on.
    pub ok: bool,
    /// One sentence that says why.
    pub detail: Cow<'static, str>,
}

/// Why a decision ended as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Every check passed.
    Allowed,
    /// The plan does not open the service.
    UpgradeRequired,
    /// The organization or the user has used what the plan gives.
    QuotaExceeded,
    /// Too many calls at once.
    RateLimited,
    /// A check could not be made, and its policy is to refuse then.
    Unavailable,
}

impl Reason {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::UpgradeRequired => "upgrade_required",
            Self::QuotaExceeded => "quota_exceeded",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Who pays the provider of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pays {
    /// The platform, with its own key.
    Platform,
    /// The organization, with a key that it brought.
    Byok,
}

impl Pays {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Byok => "byok",
        }
    }
}

/// The answer to a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may happen.
    pub allow: bool,
    /// Why.
    pub reason: Reason,
    /// What each check said, in order, up to the first that refused.
    pub steps: Vec<Step>,
    /// The plan that counts.
    pub tier: PlanId,
    /// What is left of the month after this call, before it is recorded; `None` when there is no end.
    pub remaining: Option<u64>,
    /// When a refused caller may try again with hope.
    pub retry_at: Option<Timestamp>,
    /// Who pays the provider.
    pub pays: Pays,
    /// What was held.
    pub reservation: Option<kernel::ReservationId>,
}
