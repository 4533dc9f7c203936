use async_trait::async_trait;
use audit_core::policy::truncated;
use billing_core::{ClaimedEvent, EventEntry, EventKey, InboundEvent, Inbox, PaymentProvider, Received, WorkState};
use kernel::{OrgId, Page, Paged, Record, StoreError, Timestamp};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, UpdateMany,
};
use uuid::Uuid;

use super::row::word;
use crate::connection::Database;
use crate::entity::inbox_event::{Column, Entity, Model, this};
use crate::error::Failure;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{count, part, read, storable, without_zero};

/// The most characters that are kept of why something failed.
pub(super) const MAX_ERROR: usize = 1000;

/// What providers sent, in the database.
#[derive(Debug, Clone)]
pub struct SeaInbox(Database);

impl SeaInbox {
    /// The inbox in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// Forgets the events that were over before then; how many there were. One of the same name is then a new one: `before` lies
    /// further back than providers send anything again.
    pub async fn purge(&self, before: Timestamp) -> Result<u64, StoreError> {
        let over = [WorkState::Done.as_str(), WorkState::Ignored.as_str()];
        let old = Entity::delete_many()
            .filter(Column::State.is_in(over))
            .filter(Column::ReceivedAt.lt(storable(before)))
            .filter(Column::SettledAt.lt(storable(before)));
        let gone = Box::pin(self.0.ask(old.exec(self.0.writer()))).await?;
        Ok(gone.rows_affected)
    }
}

/// What an operator is shown: never the bytes.
#[derive(Debug, FromQueryResult)]
struct Listed {
    provider: String,
    id: String,
    kind: String,
    org_id: Option<Uuid>,
    received_at: Timestamp,
    state: String,
    attempts: i64,
    next_at: Option<Timestamp>,
    error: Option<String>,
}

const LISTED: [Column; 9] = [
    Column::Provider,
    Column::Id,
    Column::Kind,
    Column::OrgId,
    Column::ReceivedAt,
    Column::State,
    Column::Attempts,
    Column::NextAt,
    Column::Error,
];

fn provider(column: &str) -> Result<PaymentProvider, StoreError> {
    word("inbox_event.provider", column, PaymentProvider::parse)
}

fn attempts(column: i64) -> Result<u32, StoreError> {
    read("inbox_event.attempts", u32::try_from(column))
}

fn to_entry(row: Listed) -> Result<EventEntry, StoreError> {
    Ok(EventEntry {
        key: EventKey { provider: provider(&row.provider)?, id: row.id },
        kind: row.kind,
        org: row.org_id.map(OrgId::from_uuid),
        received_at: row.received_at,
        state: word("inbox_event.state", &row.state, WorkState::parse)?,
        attempts: attempts(row.attempts)?,
        next_at: row.next_at,
        error: row.error,
    })
}

fn to_claimed(row: Model) -> Result<ClaimedEvent, StoreError> {
    let event = InboundEvent {
        provider: provider(&row.provider)?,
        id: row.id,
        kind: row.kind,
        customer: row.customer,
        received_at: row.received_at,
        body: row.body,
    };
    Ok(ClaimedEvent { event, attempts: attempts(row.attempts)? })
}

fn to_row(event: &InboundEvent) -> Model {
    Model {
        provider: event.provider.as_str().to_owned(),
        id: without_zero(&event.id),
        kind: without_zero(&event.kind),
        customer: event.customer.as_deref().map(without_zero),
        received_at: storable(event.received_at),
        body: event.body.clone(),
        state: WorkState::Pending.as_str().to_owned(),
        attempts: 0,
        next_at: Some(storable(event.received_at)),
        leased_until: None,
        error: None,
        org_id: None,
        settled_at: None,
    }
}

/// The end of a pending event.
fn end(key: &EventKey, state: WorkState, at: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::NextAt, Expr::value(None::<Timestamp>))
        .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
        .col_expr(Column::SettledAt, Expr::value(storable(at)))
        .filter(this(key))
        .filter(Column::State.eq(WorkState::Pending.as_str()))
}

/// The event took effect; `false` when it is over, or none.
pub(super) async fn settle(tx: &Tx, key: &EventKey, org: OrgId, at: Timestamp) -> Result<bool, Failure> {
    let done = end(key, WorkState::Done, at).col_expr(Column::OrgId, Expr::value(org.uuid()));
    Ok(done.exec(&**tx).await?.rows_affected == 1)
}

/// Leases the events whose turn it is, but for those that somebody else leases at this moment.
async fn claim(tx: &Tx, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Model>, Failure> {
    let now = storable(now);
    let turn = Entity::pending()
        .filter(Column::NextAt.lte(now))
        .filter(Condition::any().add(Column::LeasedUntil.is_null()).add(Column::LeasedUntil.lte(now)))
        .order_by_asc(Column::NextAt)
        .order_by_asc(Column::ReceivedAt)
        .order_by_asc(Column::Id)
        .limit(u64::from(limit));
    let rows = turn.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked).all(&**tx).await?;
    for provider in PaymentProvider::ALL.map(PaymentProvider::as_str) {
        let ids: Vec<&str> = rows.iter().filter(|row| row.provider == provider).map(|row| &*row.id).collect();
        if !ids.is_empty() {
            Entity::update_many()
                .col_expr(Column::LeasedUntil, Expr::value(storable(until)))
                .filter(Column::Provider.eq(provider))
                .filter(Column::Id.is_in(ids))
                .exec(&**tx)
                .await?;
        }
    }
    Ok(rows)
}

#[async_trait]
impl Inbox for SeaInbox {
    /// One statement, which is a transaction of its own.
    async fn receive(&self, event: &InboundEvent) -> Result<Received, StoreError> {
        let once = OnConflict::columns([Column::Provider, Column::Id]).do_nothing().to_owned();
        let insert = Entity::insert(to_row(event).into_active_model().reset_all()).on_conflict(once);
        let kept = Box::pin(self.0.ask(insert.exec_without_returning(self.0.writer()))).await?;
        Ok(if kept == 1 { Received::New } else { Received::Duplicate })
    }

    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<ClaimedEvent>, StoreError> {
        let change = |tx: Tx| async move {
            let rows = claim(&tx, now, until, limit).await?;
            Ok(if rows.is_empty() { RollBack(rows) } else { Commit(rows) })
        };
        self.0.write(change).await?.into_iter().map(to_claimed).collect()
    }

    async fn ignore(&self, key: &EventKey, now: Timestamp) -> Result<(), StoreError> {
        self.0.ask(end(key, WorkState::Ignored, now).exec(self.0.writer())).await.map(drop)
    }

    async fn fail(
        &self,
        key: &EventKey,
        attempts: u32,
        next_at: Option<Timestamp>,
        error: &str,
    ) -> Result<(), StoreError> {
        let state = if next_at.is_some() { WorkState::Pending } else { WorkState::Dead };
        let failed = Entity::update_many()
            .col_expr(Column::State, Expr::value(state.as_str()))
            .col_expr(Column::Attempts, Expr::value(i64::from(attempts)))
            .col_expr(Column::NextAt, Expr::value(next_at.map(storable)))
            .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
            .col_expr(Column::Error, Expr::value(without_zero(&truncated(error, MAX_ERROR))))
            .filter(this(key))
            .filter(Column::State.eq(WorkState::Pending.as_str()));
        self.0.ask(failed.exec(self.0.writer())).await.map(drop)
    }

    async fn list(&self, state: Option<WorkState>, page: Page) -> Result<Paged<EventEntry>, StoreError> {
        let (rows, db) = (Entity::listing(state), self.0.reader());
        let total = self.0.ask(count(rows.clone(), db)).await?;
        let newest = rows.order_by_desc(Column::ReceivedAt).order_by_desc(Column::Id).order_by_desc(Column::Provider);
        let newest = part(newest.select_only().columns(LISTED), page).into_model::<Listed>();
        let items = self.0.ask(newest.all(db)).await?;
        Ok(Paged { items: items.into_iter().map(to_entry).collect::<Result<_, _>>()?, total, page })
    }

    async fn replay(&self, key: &EventKey, record: &Record) -> Result<bool, StoreError> {
        let at = storable(record.at);
        let change = |tx: Tx| async move {
            let again = Entity::update_many()
                .col_expr(Column::State, Expr::value(WorkState::Pending.as_str()))
                .col_expr(Column::Attempts, Expr::value(0_i64))
                .col_expr(Column::NextAt, Expr::value(at))
                .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
                .col_expr(Column::SettledAt, Expr::value(None::<Timestamp>))
                .filter(this(key))
                .filter(Column::State.ne(WorkState::Pending.as_str()));
            if again.exec(&*tx).await?.rows_affected == 1 {
                return Ok(Commit(true));
            }
            Ok(RollBack(
                Entity::by_key(key).select_only().column(Column::Id).into_tuple::<String>().one(&*tx).await?.is_some(),
            ))
        };
        self.0.change(record, change).await
    }
}
