//! What an organization is entitled to by what it pays: the plan's side of a posting.
use billing_core::{Access, Grant};
use kernel::{OrgId, StoreError, Timestamp};
use plan_core::{PlanId, Source, Subscription, SubscriptionStatus};
use sea_orm::QuerySelect;
use sea_orm::sea_query::LockType;

use crate::entity::plan;
use crate::error::Failure;
use crate::plan::subscriptions::{current, write};
use crate::transaction::Tx;
use crate::value::{read, storable};

/// A grant of a plan that is none.
#[derive(Debug, thiserror::Error)]
#[error("there is no plan {0}")]
struct NoSuchPlan(String);

/// Moves the organization, whose row is locked, if what it pays changes what it has. A plan that was retired is still given to whoever
/// pays for it.
pub(super) async fn entitle(tx: &Tx, org: OrgId, grant: &Grant, at: Timestamp) -> Result<(), Failure> {
    let no_such_plan = || StoreError::broken(NoSuchPlan(grant.plan.clone()));
    let plan: PlanId = grant.plan.parse().ok().ok_or_else(no_such_plan)?;
    if plan::Entity::by_id(&plan).lock(LockType::Share).one(&**tx).await?.is_none() {
        return Err(no_such_plan().into());
    }
    let before = current(tx, org).await?;
    if let Some(before) = &before
        && stays(tx, before, grant, at).await?
    {
        return Ok(());
    }
    if let Some(next) = next(before.as_ref(), org, plan, grant) {
        write(tx, &next, at).await?;
    }
    Ok(())
}

/// Whether a plan that was given, and not bought, stands higher than the one that is paid for. One that an administrator paused stands.
async fn stays(tx: &Tx, before: &Subscription, grant: &Grant, at: Timestamp) -> Result<bool, Failure> {
    let given = matches!(before.source, Source::Administrator | Source::Installation);
    if !given || !(before.grants(at) || before.status == SubscriptionStatus::Suspended) {
        return Ok(false);
    }
    let plan = plan::Entity::by_id(&before.plan).one(&**tx).await?;
    let level = plan.map(|plan| read("plan.level", u8::try_from(plan.level))).transpose()?;
    Ok(level.is_some_and(|level| level > grant.level))
}

/// The subscription as it is to be; `None` when it stays as it is.
fn next(before: Option<&Subscription>, org: OrgId, plan: PlanId, grant: &Grant) -> Option<Subscription> {
    let was_paid = before.is_some_and(|before| before.source == Source::Payment);
    if !was_paid && !grant.access.stands() {
        return None;
    }
    let paused = before.is_some_and(|before| before.status == SubscriptionStatus::Suspended);
    let next = Subscription {
        org,
        plan,
        // Only who paused it lets it go on.
        status: if paused && grant.access.stands() { SubscriptionStatus::Suspended } else { status(grant.access) },
        source: Source::Payment,
        anchor: storable(grant.anchor),
        trial_ends_at: grant.trial_ends_at.map(storable),
        version: before.map_or(0, |before| before.version),
    };
    (before != Some(&next)).then(|| Subscription { version: next.version.saturating_add(1), ..next })
}

const fn status(access: Access) -> SubscriptionStatus {
    match access {
        Access::Trialing => SubscriptionStatus::Trialing,
        Access::Active => SubscriptionStatus::Active,
        Access::PastDue => SubscriptionStatus::PastDue,
        Access::Unpaid => SubscriptionStatus::Unpaid,
        Access::Canceled => SubscriptionStatus::Canceled,
    }
}
