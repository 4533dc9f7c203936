//! What one core asks about another, answered here, because cores do not know each other.
mod ending;
mod entitlement;
mod key;
mod money_notice;
mod notice;
mod platform;
mod quota;
mod rate;
mod tier;
mod webhook;

pub(crate) use self::{
    ending::OrgsThatPay,
    entitlement::PlanEntitlements,
    key::{KeysThatPay, PlanGivesKeys},
    money_notice::MoneyNotices,
    notice::OwnerNotices,
    platform::PlatformFacts,
    quota::LedgerQuotas,
    rate::DecisionRates,
    tier::TierLimits,
    webhook::{LagoEvents, StripeEvents},
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
