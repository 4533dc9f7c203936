use kernel::{OrgId, Timestamp};

use super::{change::Effective, cycle::Cycle, money::Money};

/// What a change of plan costs, promised for a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// For whom.
    pub org: OrgId,
    /// What it was made upon, in short: after any other change of what is paid for it is void.
    pub basis: String,
    /// The plan to be on.
    pub plan: String,
    /// How it will be paid.
    pub cycle: Cycle,
    /// When it happens.
    pub effective: Effective,
    /// From when the difference is counted.
    pub prorated_at: Timestamp,
    /// What is to be paid now.
    pub due: Money,
    /// Until when the promise holds.
    pub expires_at: Timestamp,
}
