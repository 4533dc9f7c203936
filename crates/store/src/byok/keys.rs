use std::sync::Arc;

use async_trait::async_trait;
use byok_core::{Deleted, KeyStore, ProviderId, ProviderKey, Put, Remembered, TestRun};
use kernel::{OrgId, Record, Role, StoreError, Timestamp};
use org_core::{OrgStatus, Permission};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, NullOrdering};
use sea_orm::{ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::custody::{self, Sealing};
use super::handing::{Handing, Use};
use super::row::{to_key, to_row, version};
use crate::connection::Database;
use crate::entity::organization;
use crate::entity::provider_key::{Column, Entity, Model};
use crate::error::Failure;
use crate::group_commit::{Bounds, GroupCommit};
use crate::org::guard;
use crate::recent::Recent;
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::value::{read, storable};

/// An organization's keys of at most a second ago, sealed.
pub(crate) type RecentProviderKeys = Recent<OrgId, Arc<Vec<ProviderKey>>>;

/// The most keys that are handed out in one transaction.
const BATCH: usize = 512;
/// The most that wait to be; each with a record of a few hundred bytes.
const QUEUE: usize = 16_384;

/// Customers' provider keys in the database. Clones share one writer, which writes down together what was handed out while it was
/// committing.
#[derive(Debug, Clone)]
pub struct SeaProviderKeys {
    db: Database,
    handing: GroupCommit<Use, bool>,
}

impl SeaProviderKeys {
    /// The keys in this database. The writer lives on the runtime that this is called in, and ends when the last clone is gone and all
    /// is written.
    pub fn new(db: &Database) -> Self {
        let bounds = Bounds { batch: BATCH, queue: QUEUE, patience: db.deadline() };
        Self { db: db.clone(), handing: GroupCommit::start(Arc::new(Handing::new(db)), bounds) }
    }

    async fn all(&self, org: OrgId) -> Result<Option<Arc<Vec<ProviderKey>>>, StoreError> {
        let rows = Entity::of(org).order_by_asc(Column::Provider);
        let rows = self.db.ask(rows.all(self.db.reader())).await?;
        Ok(Some(Arc::new(rows.into_iter().map(to_key).collect::<Result<_, _>>()?)))
    }

    /// The organization's keys as they are now; from now on everybody's recent answer.
    async fn fresh(&self, org: OrgId) -> Result<Arc<Vec<ProviderKey>>, StoreError> {
        let read = self.db.provider_keys().keep(org, Box::pin(self.all(org))).await?;
        Ok(read.unwrap_or_default())
    }
}

fn at(keys: &[ProviderKey], provider: &ProviderId) -> Option<ProviderKey> {
    keys.iter().find(|key| key.provider == *provider).cloned()
}

/// The place of an organization's key at a provider.
fn place(org: OrgId, provider: &ProviderId) -> Condition {
    Condition::all().add(Column::OrgId.eq(org.uuid())).add(Column::Provider.eq(provider.as_str()))
}

/// Whether who acts may manage the organization's keys: a person by their role now, anybody else by what let them in. Locks the
/// organization's row, so the answer holds until the transaction ends.
async fn may_manage(tx: &Tx, org: OrgId, record: &Record) -> Result<bool, Failure> {
    if guard::lock(&**tx, org).await?.is_none() {
        return Err(guard::deleted_meanwhile().into());
    }
    let Some(user) = record.actor.user_id() else { return Ok(true) };
    let Some(member) = guard::member(&**tx, org, user).await? else { return Ok(false) };
    let role: Role = read("membership.role", member.role.parse())?;
    Ok(Permission::ManageKeys.held_by(role))
}

/// Whether the key is the next one of its place.
fn follows(key: &ProviderKey, before: Option<&Model>) -> bool {
    match before {
        Some(row) => row.id == key.id.uuid() && version(row).checked_add(1) == Some(key.version),
        None => key.version == 1,
    }
}

/// Locked are, in this order: the organization, the master key, the key.
async fn put(tx: &Tx, key: &ProviderKey, check: &[u8; 16], record: &Record) -> Result<Step<Put>, Failure> {
    if !may_manage(tx, key.org, record).await? {
        return Ok(RollBack(Put::Forbidden));
    }
    let before = Entity::of(key.org).filter(Column::Provider.eq(key.provider.as_str())).one(&**tx).await?;
    if !follows(key, before.as_ref()) {
        return Ok(RollBack(Put::Moved));
    }
    match custody::seal_with(tx, &key.master_key, check, 1).await? {
        Sealing::Counted => {}
        Sealing::Retired => return Ok(RollBack(Put::RetiredMasterKey)),
        Sealing::Different => return Ok(RollBack(Put::DifferentMasterKey)),
        Sealing::WornOut => return Ok(RollBack(Put::WornOut)),
    }
    let row = to_row(key);
    if before.is_some() {
        Entity::update_many().set(row).filter(place(key.org, &key.provider)).exec(&**tx).await?;
    } else {
        Entity::insert(row).exec_without_returning(&**tx).await?;
    }
    Ok(Commit(Put::Kept))
}

/// Of tests that end at the same time one is first: the others find its row as it left it.
async fn tested(tx: &Tx, key: &ProviderKey, run: TestRun) -> Result<Step<Remembered>, Failure> {
    let this = place(key.org, &key.provider).add(Column::Id.eq(key.id.uuid()));
    let this = this.add(Column::Version.eq(i64::from(key.version)));
    let read = key.tested.map(|test| Column::TestedAt.eq(storable(test.at)));
    let earlier = Condition::any()
        .add(Column::TestedAt.is_null())
        .add(Column::TestedAt.lte(storable(run.began_at)))
        .add_option(read);
    let remembered = Entity::update_many()
        .col_expr(Column::TestedAt, Expr::value(storable(run.ended_at)))
        .col_expr(Column::Verdict, Expr::value(run.verdict.as_str()))
        .col_expr(Column::Refused, run.verdict.refuses().map_or_else(|| Expr::col(Column::Refused), Expr::value))
        .col_expr(Column::ClaimedUntil, Expr::value(None::<Timestamp>))
        .filter(this.clone().add(earlier))
        .exec(&**tx)
        .await?;
    if remembered.rows_affected == 1 {
        return Ok(Commit(Remembered::Kept));
    }
    let is_there = Entity::of(key.org).filter(this).one(&**tx).await?.is_some();
    Ok(if is_there { Commit(Remembered::Overtaken) } else { RollBack(Remembered::Gone) })
}

/// Claims keys that nobody else is claiming at this moment. Those that were claimed before and never tested since come last, so that
/// keys that cannot be tested hinder no other.
async fn claim(tx: &Tx, due: &Condition, until: Timestamp, limit: u32) -> Result<Step<Vec<Model>>, Failure> {
    let active = organization::Entity::listing()
        .filter(organization::Column::Status.eq(OrgStatus::Active.as_str()))
        .select_only()
        .column(organization::Column::Id);
    let claimed = Entity::listing()
        .filter(due.clone())
        .filter(Column::OrgId.in_subquery(active.into_query()))
        .order_by_with_nulls(Column::ClaimedUntil, Order::Asc, NullOrdering::First)
        .order_by_with_nulls(Column::TestedAt, Order::Asc, NullOrdering::First)
        .order_by_asc(Column::Id)
        .limit(u64::from(limit))
        .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
        .all(&**tx)
        .await?;
    if claimed.is_empty() {
        return Ok(RollBack(claimed));
    }
    Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(storable(until)))
        .filter(Column::Id.is_in(claimed.iter().map(|row| row.id)))
        .exec(&**tx)
        .await?;
    Ok(Commit(claimed))
}

#[async_trait]
impl KeyStore for SeaProviderKeys {
    async fn put(&self, key: &ProviderKey, check: &[u8; 16], record: &Record) -> Result<Put, StoreError> {
        let _moving = self.db.provider_keys().moving();
        self.db.change(record, |tx: Tx| async move { put(&tx, key, check, record).await }).await
    }

    async fn delete(&self, org: OrgId, provider: &ProviderId, record: &Record) -> Result<Deleted, StoreError> {
        let _moving = self.db.provider_keys().moving();
        let change = |tx: Tx| async move {
            if !may_manage(&tx, org, record).await? {
                return Ok(RollBack(Deleted::Forbidden));
            }
            let gone = Entity::delete_many().filter(place(org, provider)).exec(&*tx).await?;
            Ok(if gone.rows_affected == 1 { Commit(Deleted::Deleted) } else { RollBack(Deleted::NotFound) })
        };
        self.db.change(record, change).await
    }

    async fn of(&self, org: OrgId, provider: &ProviderId) -> Result<Option<ProviderKey>, StoreError> {
        Ok(at(&self.list(org).await?, provider))
    }

    async fn now(&self, org: OrgId, provider: &ProviderId) -> Result<Option<ProviderKey>, StoreError> {
        Ok(at(&self.fresh(org).await?, provider))
    }

    async fn list(&self, org: OrgId) -> Result<Arc<Vec<ProviderKey>>, StoreError> {
        match self.db.provider_keys().get(&org) {
            Some(keys) => Ok(keys),
            None => self.fresh(org).await,
        }
    }

    async fn tested(&self, key: &ProviderKey, run: TestRun, record: &Record) -> Result<Remembered, StoreError> {
        let _moving = self.db.provider_keys().moving();
        self.db.change(record, |tx: Tx| async move { tested(&tx, key, run).await }).await
    }

    async fn handed_out(&self, key: &ProviderKey, record: &Record) -> Result<bool, StoreError> {
        self.handing.submit(Use::new(key, record)).await
    }

    async fn claim_untested(
        &self,
        before: Timestamp,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ProviderKey>, StoreError> {
        let old = Condition::any().add(Column::TestedAt.is_null()).add(Column::TestedAt.lt(storable(before)));
        let free = Condition::any().add(Column::ClaimedUntil.is_null()).add(Column::ClaimedUntil.lte(storable(now)));
        let due = &Condition::all().add(old).add(free);
        let claimed = self.db.write(|tx: Tx| async move { claim(&tx, due, until, limit).await }).await?;
        claimed.into_iter().map(to_key).collect()
    }
}
