use async_trait::async_trait;
use auth_core::LinkStore;
use kernel::{Record, StoreError, Timestamp, TokenHash, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::connection::Database;
use crate::entity::sign_in_link::{Column, Entity, Model};
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{bytes, storable};

/// One-time sign-in links in the database.
#[derive(Debug, Clone)]
pub struct SeaLinks(Database);

impl SeaLinks {
    /// The links in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// Forgets the links that ended before `now`, used or not; how many there were.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let purge = |tx: Tx| async move {
            let gone = Entity::delete_many().filter(Column::ExpiresAt.lt(storable(now))).exec(&*tx).await?;
            Ok(Commit(gone.rows_affected))
        };
        self.0.write(purge).await
    }
}

#[async_trait]
impl LinkStore for SeaLinks {
    async fn issue(
        &self,
        link: &TokenHash,
        user: UserId,
        expires_at: Timestamp,
        record: &Record,
    ) -> Result<(), StoreError> {
        let row = Model { hash: bytes(link), user_id: user.uuid(), expires_at: storable(expires_at), used_at: None };
        let row = &row.into_active_model().reset_all();
        let change = |tx: Tx| async move {
            Entity::insert(row.clone()).exec_without_returning(&*tx).await?;
            Ok(Commit(()))
        };
        self.0.change(record, change).await
    }

    async fn redeem(&self, link: &TokenHash, now: Timestamp) -> Result<Option<UserId>, StoreError> {
        let now = storable(now);
        let redeem = |tx: Tx| async move {
            let redeemed = Entity::update_many()
                .col_expr(Column::UsedAt, Expr::value(now))
                .filter(Column::Hash.eq(bytes(link)))
                .filter(Column::UsedAt.is_null())
                .filter(Column::ExpiresAt.gt(now))
                .exec_with_returning(&*tx)
                .await?;
            let user = redeemed.into_iter().next().map(|row| UserId::from_uuid(row.user_id));
            Ok(if user.is_some() { Commit(user) } else { RollBack(None) })
        };
        self.0.write(redeem).await
    }
}
