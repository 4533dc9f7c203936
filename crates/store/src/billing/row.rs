//! Accounts and movements as columns.
use billing_core::{
    Access, Account, Cycle, Money, Movement, PaidSubscription, PaymentProvider, PaymentStatus, PendingChange,
};
use kernel::{OrgId, Period, StoreError, SubscriptionId, Timestamp};

use crate::entity::{billing_account, billing_movement, billing_subscription};
use crate::error::bad_column;
use crate::value::{read, storable, without_zero};

/// Reads a word back.
pub(super) fn word<T>(column: &'static str, text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    parse(text).ok_or_else(|| bad_column(column))
}

/// Reads an amount back.
pub(super) fn money(column: &'static str, minor: i64, currency: &str) -> Result<Money, StoreError> {
    Ok(Money::new(minor, read(column, currency.parse())?))
}

pub(super) fn from_account(account: &Account, next_at: Option<Timestamp>) -> billing_account::Model {
    billing_account::Model {
        org_id: account.org.uuid(),
        provider: account.provider.as_str().to_owned(),
        customer: account.customer.as_deref().map(without_zero),
        access: account.access.map(|access| access.as_str().to_owned()),
        synced_at: account.synced_at.map(storable),
        next_at: next_at.map(storable),
        version: account.version.into(),
    }
}

pub(super) fn from_subscription(org: OrgId, paid: &PaidSubscription) -> billing_subscription::Model {
    let pending = paid.pending.as_ref();
    billing_subscription::Model {
        org_id: org.uuid(),
        id: paid.id.uuid(),
        external: paid.external.as_deref().map(without_zero),
        plan_id: paid.plan.clone(),
        cycle: paid.cycle.as_str().to_owned(),
        amount_minor: paid.amount.minor,
        currency: paid.amount.currency.to_string(),
        status: paid.status.as_str().to_owned(),
        anchor: storable(paid.anchor),
        period_start: storable(paid.period.start),
        period_end: storable(paid.period.end),
        trial_ends_at: paid.trial_ends_at.map(storable),
        cancel_at_period_end: paid.cancel_at_period_end,
        past_due_since: paid.past_due_since.map(storable),
        pending_plan: pending.map(|change| change.plan.clone()),
        pending_cycle: pending.map(|change| change.cycle.as_str().to_owned()),
        pending_at: pending.and_then(|change| change.at).map(storable),
        ended_at: paid.ended_at.map(storable),
    }
}

pub(super) fn to_account(
    row: billing_account::Model,
    subscription: Option<billing_subscription::Model>,
) -> Result<Account, StoreError> {
    let access = |text: &str| word("billing_account.access", text, Access::parse);
    Ok(Account {
        org: OrgId::from_uuid(row.org_id),
        provider: word("billing_account.provider", &row.provider, PaymentProvider::parse)?,
        customer: row.customer,
        subscription: subscription.map(to_subscription).transpose()?,
        access: row.access.as_deref().map(access).transpose()?,
        synced_at: row.synced_at,
        version: read("billing_account.version", u32::try_from(row.version))?,
    })
}

fn to_subscription(row: billing_subscription::Model) -> Result<PaidSubscription, StoreError> {
    let pending = match (row.pending_plan, row.pending_cycle) {
        (Some(plan), Some(cycle)) => {
            let cycle = word("billing_subscription.pending_cycle", &cycle, Cycle::parse)?;
            Some(PendingChange { plan, cycle, at: row.pending_at })
        }
        (None, None) => None,
        _ => return Err(bad_column("billing_subscription.pending_plan")),
    };
    Ok(PaidSubscription {
        id: SubscriptionId::from_uuid(row.id),
        external: row.external,
        plan: row.plan_id,
        cycle: word("billing_subscription.cycle", &row.cycle, Cycle::parse)?,
        amount: money("billing_subscription.currency", row.amount_minor, &row.currency)?,
        status: word("billing_subscription.status", &row.status, PaymentStatus::parse)?,
        anchor: row.anchor,
        period: Period { start: row.period_start, end: row.period_end },
        trial_ends_at: row.trial_ends_at,
        cancel_at_period_end: row.cancel_at_period_end,
        past_due_since: row.past_due_since,
        pending,
        ended_at: row.ended_at,
    })
}

pub(super) fn from_movement(movement: &Movement, account_version: u32) -> billing_movement::Model {
    let minor = |money: Option<Money>| money.map(|money| money.minor);
    let currency = |money: Option<Money>| money.map(|money| money.currency.to_string());
    billing_movement::Model {
        org_id: movement.org.uuid(),
        account_version: account_version.into(),
        at: storable(movement.at),
        from_plan: movement.from_plan.clone(),
        to_plan: movement.to_plan.clone(),
        cycle: movement.cycle.map(|cycle| cycle.as_str().to_owned()),
        from_monthly: minor(movement.from_monthly),
        from_currency: currency(movement.from_monthly),
        to_monthly: minor(movement.to_monthly),
        to_currency: currency(movement.to_monthly),
        why: movement.why.to_owned(),
    }
}

pub(super) fn to_movement(row: billing_movement::Model) -> Result<Movement, StoreError> {
    let cycle = |text: &str| word("billing_movement.cycle", text, Cycle::parse);
    let monthly = |column, minor: Option<i64>, currency: Option<String>| match (minor, currency) {
        (Some(minor), Some(currency)) => money(column, minor, &currency).map(Some),
        (None, None) => Ok(None),
        _ => Err(bad_column(column)),
    };
    Ok(Movement {
        org: OrgId::from_uuid(row.org_id),
        at: row.at,
        from_plan: row.from_plan,
        to_plan: row.to_plan,
        cycle: row.cycle.as_deref().map(cycle).transpose()?,
        from_monthly: monthly("billing_movement.from_currency", row.from_monthly, row.from_currency)?,
        to_monthly: monthly("billing_movement.to_currency", row.to_monthly, row.to_currency)?,
        why: word("billing_movement.why", &row.why, Movement::reason)?,
    })
}
