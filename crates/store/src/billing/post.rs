//! One change of an organization's money: the account, the plan, the books, the invoices, what is to be done and what is over, at once.
use billing_core::{Movement, Posted, Posting, Settles};
use kernel::{OrgId, StoreError, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter};

use super::entitle::entitle;
use super::row::{from_account, from_movement, from_subscription};
use super::{inbox, invoices, outbox};
use crate::entity::billing_account::{Column, Entity};
use crate::entity::{billing_movement, billing_subscription};
use crate::error::Failure;
use crate::org::guard;
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};

/// A posting that is no change of one organization's money.
#[derive(Debug, thiserror::Error)]
#[error("a posting of {0} holds {1}")]
struct BadPosting(OrgId, &'static str);

/// Locked are, in this order: the organization, what is over, the account, the plan, the series of invoices. Whoever holds the
/// organization's row is the only one who changes its money.
pub(super) async fn post(tx: &Tx, posting: &Posting, at: Timestamp) -> Result<Step<Posted>, Failure> {
    let org = posting.account.org;
    check(posting)?;
    if guard::lock(&**tx, org).await?.is_none() {
        return Ok(RollBack(Posted::NoOrg));
    }
    if !settle(tx, posting, at).await? {
        return Ok(RollBack(Posted::AlreadySettled));
    }
    if !put_account(tx, posting).await? {
        return Ok(RollBack(Posted::Moved));
    }
    if let Some(outgoing) = &posting.outgoing
        && !outbox::enqueue(tx, outgoing, at).await?
    {
        return Ok(RollBack(Posted::ChangePending));
    }
    if let Some(grant) = &posting.grant {
        entitle(tx, org, grant, at).await?;
    }
    if let Some(movement) = &posting.movement {
        let row = from_movement(movement, posting.account.version).into_active_model().reset_all();
        billing_movement::Entity::insert(row).exec_without_returning(&**tx).await?;
    }
    invoices::put_all(tx, org, &posting.invoices).await?;
    Ok(Commit(Posted::Posted))
}

/// Nothing of another organization goes with it, and nothing that could not be read back.
fn check(posting: &Posting) -> Result<(), StoreError> {
    let org = posting.account.org;
    let bad = |what| Err(StoreError::broken(BadPosting(org, what)));
    if posting.invoices.iter().any(|invoice| invoice.org != org) {
        return bad("an invoice of another organization");
    }
    if posting.outgoing.as_ref().is_some_and(|outgoing| outgoing.org != org) {
        return bad("a command for another organization");
    }
    match &posting.movement {
        Some(movement) if movement.org != org => bad("a movement of another organization"),
        Some(movement) if Movement::reason(movement.why).is_none() => bad("a movement without a reason"),
        _ => Ok(()),
    }
}

/// `false` when it was over before.
async fn settle(tx: &Tx, posting: &Posting, at: Timestamp) -> Result<bool, Failure> {
    let org = posting.account.org;
    match &posting.settles {
        Settles::Nothing => Ok(true),
        Settles::Event(key) => inbox::settle(tx, key, org, at).await,
        Settles::Task(id) => outbox::settle(tx, *id, org, at).await,
    }
}

/// Writes the account over the one that it was read as; `false` when that is another one by now.
async fn put_account(tx: &Tx, posting: &Posting) -> Result<bool, Failure> {
    let account = &posting.account;
    let Some(before) = account.version.checked_sub(1) else { return Ok(false) };
    let known = Entity::of(account.org).one(&**tx).await?;
    if known.as_ref().map_or(0, |row| row.version) != i64::from(before) {
        return Ok(false);
    }
    let row = from_account(account, posting.next_at).into_active_model().reset_all();
    if known.is_some() {
        Entity::update_many().set(row).filter(Column::OrgId.eq(account.org.uuid())).exec(&**tx).await?;
    } else {
        Entity::insert(row).exec_without_returning(&**tx).await?;
    }
    put_subscription(tx, posting).await?;
    Ok(true)
}

async fn put_subscription(tx: &Tx, posting: &Posting) -> Result<(), Failure> {
    use billing_subscription::Column;
    let org = posting.account.org;
    let Some(paid) = &posting.account.subscription else {
        let gone = billing_subscription::Entity::delete_many().filter(Column::OrgId.eq(org.uuid()));
        gone.exec(&**tx).await?;
        return Ok(());
    };
    let all_but_the_key = Column::iter().filter(|column| !matches!(column, Column::OrgId));
    let again = OnConflict::column(Column::OrgId).update_columns(all_but_the_key).to_owned();
    let row = from_subscription(org, paid).into_active_model().reset_all();
    billing_subscription::Entity::insert(row).on_conflict(again).exec_without_returning(&**tx).await?;
    Ok(())
}
