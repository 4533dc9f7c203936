use async_trait::async_trait;
use audit_core::policy::truncated;
use billing_core::{Command, Money, Outbox, Outgoing, WorkState};
use kernel::{OrgId, StoreError, TaskId, Timestamp};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Select, SelectExt,
};
use serde::{Deserialize, Serialize};

use super::inbox::MAX_ERROR;
use super::row::money;
use crate::connection::Database;
use crate::entity::outbox_task::{Column, Entity, Model};
use crate::error::Failure;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{from_micros, micros, read, storable, without_zero};

/// A command as it is kept, in JSON. Times are microseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Stored {
    ChangeNow { external: String, price: String, prorated_at: i64, due_minor: i64, currency: String },
    ChangeAtPeriodEnd { external: String, price: String },
    CancelAtPeriodEnd { external: String, cancel: bool },
    CancelNow { external: String },
}

fn column(command: &Command) -> Result<String, StoreError> {
    let stored = match command.clone() {
        Command::ChangeNow { external, price, prorated_at, due } => {
            let (due_minor, currency) = (due.minor, due.currency.to_string());
            Stored::ChangeNow { external, price, prorated_at: micros(prorated_at), due_minor, currency }
        }
        Command::ChangeAtPeriodEnd { external, price } => Stored::ChangeAtPeriodEnd { external, price },
        Command::CancelAtPeriodEnd { external, cancel } => Stored::CancelAtPeriodEnd { external, cancel },
        Command::CancelNow { external } => Stored::CancelNow { external },
    };
    serde_json::to_string(&stored).map_err(StoreError::broken)
}

fn command(column: &str) -> Result<Command, StoreError> {
    const COLUMN: &str = "outbox_task.command";
    Ok(match read(COLUMN, serde_json::from_str(column))? {
        Stored::ChangeNow { external, price, prorated_at, due_minor, currency } => {
            let due: Money = money(COLUMN, due_minor, &currency)?;
            Command::ChangeNow { external, price, prorated_at: from_micros(prorated_at), due }
        }
        Stored::ChangeAtPeriodEnd { external, price } => Command::ChangeAtPeriodEnd { external, price },
        Stored::CancelAtPeriodEnd { external, cancel } => Command::CancelAtPeriodEnd { external, cancel },
        Stored::CancelNow { external } => Command::CancelNow { external },
    })
}

fn to_outgoing(row: Model) -> Result<Outgoing, StoreError> {
    Ok(Outgoing {
        id: TaskId::from_uuid(row.id),
        org: OrgId::from_uuid(row.org_id),
        command: command(&row.command)?,
        attempts: read("outbox_task.attempts", u32::try_from(row.attempts))?,
    })
}

/// The organization's task that is not over.
fn pending(org: OrgId) -> Select<Entity> {
    Entity::of(org).filter(Column::State.eq(WorkState::Pending.as_str()))
}

/// Keeps a command of an organization, whose row is locked; `false` when another one is on its way.
pub(super) async fn enqueue(tx: &Tx, outgoing: &Outgoing, at: Timestamp) -> Result<bool, Failure> {
    if pending(outgoing.org).exists(&**tx).await? {
        return Ok(false);
    }
    let row = Model {
        org_id: outgoing.org.uuid(),
        id: outgoing.id.uuid(),
        command: column(&outgoing.command)?,
        state: WorkState::Pending.as_str().to_owned(),
        attempts: outgoing.attempts.into(),
        next_at: Some(storable(at)),
        leased_until: None,
        error: None,
        created_at: storable(at),
        settled_at: None,
    };
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&**tx).await?;
    Ok(true)
}

/// The command was carried out; `false` when that is known, or there is none.
pub(super) async fn settle(tx: &Tx, id: TaskId, org: OrgId, at: Timestamp) -> Result<bool, Failure> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(WorkState::Done.as_str()))
        .col_expr(Column::NextAt, Expr::value(None::<Timestamp>))
        .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
        .col_expr(Column::SettledAt, Expr::value(storable(at)))
        .filter(Column::OrgId.eq(org.uuid()))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::State.eq(WorkState::Pending.as_str()));
    Ok(done.exec(&**tx).await?.rows_affected == 1)
}

/// Nobody is carrying it out.
fn free(now: Timestamp) -> Condition {
    Condition::any().add(Column::LeasedUntil.is_null()).add(Column::LeasedUntil.lte(now))
}

/// Leases these tasks, but for those that somebody else leases at this moment.
async fn lease(tx: &Tx, tasks: Select<Entity>, until: Timestamp) -> Result<Vec<Model>, Failure> {
    let rows = tasks.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked).all(&**tx).await?;
    if !rows.is_empty() {
        Entity::update_many()
            .col_expr(Column::LeasedUntil, Expr::value(storable(until)))
            .filter(Column::Id.is_in(rows.iter().map(|row| row.id)))
            .exec(&**tx)
            .await?;
    }
    Ok(rows)
}

/// What providers are asked to do, in the database.
#[derive(Debug, Clone)]
pub struct SeaOutbox(Database);

impl SeaOutbox {
    /// The outbox in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    async fn lease(&self, tasks: &Select<Entity>, until: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
        let change = |tx: Tx| async move {
            let rows = lease(&tx, tasks.clone(), until).await?;
            Ok(if rows.is_empty() { RollBack(rows) } else { Commit(rows) })
        };
        self.0.write(change).await?.into_iter().map(to_outgoing).collect()
    }
}

#[async_trait]
impl Outbox for SeaOutbox {
    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Outgoing>, StoreError> {
        let now = storable(now);
        let turn = Entity::pending()
            .filter(Column::NextAt.lte(now))
            .filter(free(now))
            .order_by_asc(Column::NextAt)
            .order_by_asc(Column::Id)
            .limit(u64::from(limit));
        self.lease(&turn, until).await
    }

    async fn claim_one(&self, id: TaskId, now: Timestamp, until: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        let this = Entity::by_id(id).filter(Column::State.eq(WorkState::Pending.as_str())).filter(free(storable(now)));
        Ok(self.lease(&this, until).await?.pop())
    }

    async fn fail(&self, id: TaskId, attempts: u32, next_at: Option<Timestamp>, error: &str) -> Result<(), StoreError> {
        let state = if next_at.is_some() { WorkState::Pending } else { WorkState::Dead };
        let failed = Entity::update_many()
            .col_expr(Column::State, Expr::value(state.as_str()))
            .col_expr(Column::Attempts, Expr::value(i64::from(attempts)))
            .col_expr(Column::NextAt, Expr::value(next_at.map(storable)))
            .col_expr(Column::LeasedUntil, Expr::value(None::<Timestamp>))
            .col_expr(Column::Error, Expr::value(without_zero(&truncated(error, MAX_ERROR))))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::State.eq(WorkState::Pending.as_str()));
        self.0.ask(failed.exec(self.0.writer())).await.map(drop)
    }

    async fn pending(&self, org: OrgId) -> Result<Option<Outgoing>, StoreError> {
        self.0.ask(pending(org).one(self.0.reader())).await?.map(to_outgoing).transpose()
    }
}
