//! What one core asks about another, answered here, because cores do not know each other.
mod entitlement;
mod key;
mod notice;
mod quota;
mod rate;
mod tier;

pub(crate) use self::{
    entitlement::PlanEntitlements,
    key::{KeysThatPay, PlanGivesKeys},
    notice::OwnerNotices,
    quota::LedgerQuotas,
    rate::DecisionRates,
    tier::TierLimits,
};

use kernel::StoreError;
use plan_core::PlanError;
use usage_core::UsageError;

/// What the plans say of an organization that somebody was let into: that there is none now is a matter of the moment.
fn plan_fault(error: PlanError) -> StoreError {
    match error {
        PlanError::Store(error) => error,
        PlanError::NoSuchOrg => StoreError::unavailable("the organization was deleted meanwhile"),
        other => StoreError::broken(other),
    }
}

/// The same for what the ledger says.
fn usage_fault(error: UsageError) -> StoreError {
    match error {
        UsageError::Store(error) => error,
        UsageError::NoOrg => StoreError::unavailable("the organization was deleted or suspended meanwhile"),
        other => StoreError::broken(other),
    }
}
