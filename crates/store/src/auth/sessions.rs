use async_trait::async_trait;
use auth_core::{Revoke, Seen, Session, SessionStore, UserTag};
use kernel::{OrgId, SessionId, StoreError, Timestamp, TokenHash, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Statement,
};
use uuid::Uuid;

use crate::connection::Database;
use crate::entity::session::{Column, Entity, Model};
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{after, bytes, duration, length, storable};

/// How exactly `last_seen` is kept: a session used more often is written once in this time, or in a tenth of its idle time.
const PRECISION: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

/// Sessions in the database.
#[derive(Debug, Clone)]
pub struct SeaSessions(Database);

impl SeaSessions {
    /// The sessions in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// Forgets the sessions that are dead at `now`; how many there were.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let purge = |tx: Tx| async move {
            let gone = Entity::delete_many().filter(dead(now)).exec(&*tx).await?;
            Ok(Commit(gone.rows_affected))
        };
        self.0.write(purge).await
    }

    /// A dead session goes at once: no clock that is set back finds it again.
    async fn bury(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let bury = |tx: Tx| async move {
            Entity::delete_many().filter(Column::KeyHash.eq(bytes(key))).filter(dead(now)).exec(&*tx).await?;
            Ok(Commit(()))
        };
        self.0.write(bury).await
    }

    /// Slides the idle time, never backwards; `false` when the session is gone.
    async fn slide(&self, key: &TokenHash, row: &Model, now: Timestamp) -> Result<bool, StoreError> {
        let idle_until = after(now, duration(row.idle_micros));
        let slide = |tx: Tx| async move {
            let slid = Entity::update_many()
                .col_expr(Column::LastSeen, Expr::value(now))
                .col_expr(Column::IdleUntil, Expr::value(idle_until))
                .filter(Column::KeyHash.eq(bytes(key)))
                .filter(Column::LastSeen.lt(now))
                .exec(&*tx)
                .await?;
            // Not slid: gone, or another request was faster.
            let there = slid.rows_affected == 1 || Entity::by_key(key).one(&*tx).await?.is_some();
            Ok(Commit(there))
        };
        self.0.write(slide).await
    }
}

/// Dead at this time: idle for longer than allowed, or past its end.
fn dead(now: Timestamp) -> Condition {
    let now = storable(now);
    Condition::any().add(Column::ExpiresAt.lte(now)).add(Column::IdleUntil.lt(now))
}

fn to_row(key: &TokenHash, session: &Session) -> Model {
    let created_at = storable(session.created_at);
    Model {
        key_hash: bytes(key),
        id: session.id.uuid(),
        user_id: session.user.uuid(),
        org_id: session.org.map(OrgId::uuid),
        created_at,
        auth_time: storable(session.auth_time),
        expires_at: storable(session.expires_at),
        idle_micros: length(session.idle),
        last_seen: created_at,
        idle_until: after(created_at, session.idle),
        user_epoch: session.user_epoch,
        org_epoch: session.org_epoch,
        platform_epoch: session.platform_epoch,
        ip: session.ip.clone(),
        user_agent: session.user_agent.clone(),
    }
}

fn to_seen(row: Model) -> Seen {
    let last_seen = row.last_seen;
    let session = Session {
        id: SessionId::from_uuid(row.id),
        user: UserId::from_uuid(row.user_id),
        org: row.org_id.map(OrgId::from_uuid),
        created_at: row.created_at,
        auth_time: row.auth_time,
        expires_at: row.expires_at,
        idle: duration(row.idle_micros),
        user_epoch: row.user_epoch,
        org_epoch: row.org_epoch,
        platform_epoch: row.platform_epoch,
        ip: row.ip,
        user_agent: row.user_agent,
    };
    Seen { session, last_seen }
}

/// One change of a user's sessions at a time: a revocation must not miss a session that is just being made. The user has a lock
/// of their own, since these sessions may belong to somebody whose row is elsewhere. SQLite has one writer anyway.
async fn lock_user(tx: &Tx, user: UserId) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let (high, low) = user.uuid().as_u64_pair();
        let key = i64::from_ne_bytes((high ^ low).to_ne_bytes());
        let lock =
            Statement::from_sql_and_values(DbBackend::Postgres, "SELECT pg_advisory_xact_lock($1)", [key.into()]);
        tx.execute_raw(lock).await?;
    }
    Ok(())
}

async fn insert(tx: &Tx, key: &TokenHash, session: &Session) -> Result<(), DbErr> {
    let row = to_row(key, session).into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(&**tx).await.map(drop)
}

/// Makes room for one more session beside at most `others`.
async fn evict(tx: &Tx, session: &Session, others: u64) -> Result<(), DbErr> {
    let mine = Column::UserId.eq(session.user.uuid());
    Entity::delete_many().filter(mine.clone()).filter(dead(session.created_at)).exec(&**tx).await?;
    let beyond: Vec<Uuid> = Entity::of_user(session.user)
        .select_only()
        .column(Column::Id)
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(others)
        // SQLite knows no offset without a limit.
        .limit(1000)
        .into_tuple()
        .all(&**tx)
        .await?;
    if !beyond.is_empty() {
        Entity::delete_many().filter(mine).filter(Column::Id.is_in(beyond)).exec(&**tx).await?;
    }
    Ok(())
}

#[async_trait]
impl SessionStore for SeaSessions {
    async fn create(&self, _tag: &UserTag, key: &TokenHash, session: &Session, cap: u32) -> Result<(), StoreError> {
        let create = |tx: Tx| async move {
            lock_user(&tx, session.user).await?;
            evict(&tx, session, u64::from(cap.saturating_sub(1))).await?;
            insert(&tx, key, session).await?;
            Ok(Commit(()))
        };
        self.0.write(create).await
    }

    async fn touch(&self, _tag: &UserTag, key: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let now = storable(now);
        let Some(row) = self.0.ask(Entity::by_key(key).one(self.0.reader())).await? else { return Ok(None) };
        if row.expires_at <= now || row.idle_until < now {
            self.bury(key, now).await?;
            return Ok(None);
        }
        let precision = PRECISION.min(chrono::TimeDelta::microseconds(row.idle_micros / 10));
        if now - row.last_seen >= precision && !self.slide(key, &row, now).await? {
            return Ok(None);
        }
        Ok(Some(to_seen(row).session))
    }

    async fn renew(
        &self,
        _tag: &UserTag,
        old: &TokenHash,
        new: &TokenHash,
        session: &Session,
    ) -> Result<bool, StoreError> {
        let renew = |tx: Tx| async move {
            lock_user(&tx, session.user).await?;
            let mine = Column::UserId.eq(session.user.uuid());
            let old =
                Entity::delete_many().filter(Column::KeyHash.eq(bytes(old))).filter(mine).exec_with_returning(&*tx);
            let Some(before) = old.await?.into_iter().next() else { return Ok(RollBack(false)) };
            let mut row = to_row(new, session);
            // The renewal is a use of the session, but does not say when; what was known stays known.
            row.last_seen = row.last_seen.max(before.last_seen);
            row.idle_until = after(row.last_seen, session.idle);
            Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&*tx).await?;
            Ok(Commit(true))
        };
        self.0.write(renew).await
    }

    async fn list(&self, _tag: &UserTag, user: UserId, now: Timestamp) -> Result<Vec<Seen>, StoreError> {
        let live = Entity::of_user(user).filter(dead(now).not());
        let newest = live.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
        let rows = self.0.ask(newest.all(self.0.reader())).await?;
        Ok(rows.into_iter().map(to_seen).collect())
    }

    async fn revoke(&self, _tag: &UserTag, user: UserId, which: Revoke) -> Result<u64, StoreError> {
        let revoke = |tx: Tx| async move {
            lock_user(&tx, user).await?;
            let mine = Entity::delete_many().filter(Column::UserId.eq(user.uuid()));
            let these = match which {
                Revoke::One(id) => mine.filter(Column::Id.eq(id.uuid())),
                Revoke::Others(id) => mine.filter(Column::Id.ne(id.uuid())),
                Revoke::All => mine,
            };
            Ok(Commit(these.exec(&*tx).await?.rows_affected))
        };
        self.0.write(revoke).await
    }
}
