use async_trait::async_trait;
use kernel::{Begun, Idempotency, IdempotencyKey, Recorded, StoreError, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use crate::connection::Database;
use crate::entity::idempotency::{Column, DONE, Entity, Model, RUNNING};
use crate::error::bad_column;
use crate::transaction::{Step::Commit, Tx};
use crate::value::{bytes, read, storable};

/// Claims the key if nobody has it, if its claim ran out, or if its answer need not be kept any longer.
const CLAIM: &str = "INSERT INTO idempotency (scope, payload, state, lease_until) VALUES ($1, $2, 'running', $4) \
     ON CONFLICT (scope) DO UPDATE SET payload = excluded.payload, state = excluded.state, \
     lease_until = excluded.lease_until, status = NULL, content_type = NULL, body = NULL, keep_until = NULL \
     WHERE (idempotency.state = 'running' AND idempotency.lease_until <= $3 AND idempotency.payload = excluded.payload) \
     OR (idempotency.state = 'done' AND idempotency.keep_until <= $3)";

/// The answers of operations that happen once, in the database.
#[derive(Debug, Clone)]
pub struct SeaIdempotency(Database);

impl SeaIdempotency {
    /// The answers in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// Forgets what need not be kept at `now`; how many there were. A claim is forgotten a day after it ran out.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let day_ago = storable(now - chrono::TimeDelta::days(1));
        let done = Condition::all().add(Column::State.eq(DONE)).add(Column::KeepUntil.lte(storable(now)));
        let lost = Condition::all().add(Column::State.eq(RUNNING)).add(Column::LeaseUntil.lte(day_ago));
        let old = &Condition::any().add(done).add(lost);
        let purge = |tx: Tx| async move {
            let gone = Entity::delete_many().filter(old.clone()).exec(&*tx).await?;
            Ok(Commit(gone.rows_affected))
        };
        self.0.write(purge).await
    }
}

/// Our own claim, or what became of it.
fn claim(key: &IdempotencyKey) -> Condition {
    Condition::all()
        .add(Column::Scope.eq(bytes(&key.scope)))
        .add(Column::Payload.eq(bytes(&key.payload)))
        .add(Column::State.eq(RUNNING))
}

fn begun(row: Model, key: &IdempotencyKey) -> Result<Begun, StoreError> {
    if row.payload != key.payload.as_bytes() {
        return Ok(Begun::OtherPayload);
    }
    if row.state == RUNNING {
        return Ok(Begun::Running);
    }
    let status = row.status.ok_or_else(|| bad_column("idempotency.status"))?;
    Ok(Begun::Done(Recorded {
        status: read("idempotency.status", u16::try_from(status))?,
        content_type: row.content_type.ok_or_else(|| bad_column("idempotency.content_type"))?,
        body: row.body.ok_or_else(|| bad_column("idempotency.body"))?,
    }))
}

#[async_trait]
impl Idempotency for SeaIdempotency {
    async fn begin(&self, key: &IdempotencyKey, now: Timestamp, lease_until: Timestamp) -> Result<Begun, StoreError> {
        let backend = self.0.backend();
        let begin = |tx: Tx| async move {
            let values = [
                bytes(&key.scope).into(),
                bytes(&key.payload).into(),
                storable(now).into(),
                storable(lease_until).into(),
            ];
            let claimed = tx.execute_raw(Statement::from_sql_and_values(backend, CLAIM, values)).await?;
            if claimed.rows_affected() == 1 {
                return Ok(Commit(Begun::First));
            }
            // The refused insert holds the row, so it is still there.
            let row = Entity::by_scope(&key.scope).one(&*tx).await?;
            Ok(Commit(begun(row.ok_or_else(|| StoreError::broken("an attempt vanished"))?, key)?))
        };
        self.0.write(begin).await
    }

    async fn finish(&self, key: &IdempotencyKey, answer: &Recorded, keep_until: Timestamp) -> Result<(), StoreError> {
        let finish = |tx: Tx| async move {
            Entity::update_many()
                .col_expr(Column::State, Expr::value(DONE))
                .col_expr(Column::Status, Expr::value(i64::from(answer.status)))
                .col_expr(Column::ContentType, Expr::value(answer.content_type.as_str()))
                .col_expr(Column::Body, Expr::value(answer.body.clone()))
                .col_expr(Column::KeepUntil, Expr::value(storable(keep_until)))
                .filter(claim(key))
                .exec(&*tx)
                .await?;
            Ok(Commit(()))
        };
        self.0.write(finish).await
    }

    async fn abandon(&self, key: &IdempotencyKey) -> Result<(), StoreError> {
        let abandon = |tx: Tx| async move {
            Entity::delete_many().filter(claim(key)).exec(&*tx).await?;
            Ok(Commit(()))
        };
        self.0.write(abandon).await
    }
}
