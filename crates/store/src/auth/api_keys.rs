use async_trait::async_trait;
use auth_core::{ApiKey, ApiKeyStore, KeyKept, KeyName, KeyRevoked};
use kernel::{ApiKeyId, OrgId, Record, StoreError, Timestamp, TokenHash, UserId};
use org_core::{OrgStatus, Permission};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::connection::Database;
use crate::entity::api_key::{ActiveModel, Column, Entity, Model};
use crate::entity::organization;
use crate::org::guard;
use crate::recent::Recent;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{bytes, count, read, storable};

/// Keys of at most a second ago, by the hash of their text.
pub(crate) type RecentKeys = Recent<TokenHash, ApiKey>;
/// Whether organizations were active at most a second ago.
pub(crate) type RecentStates = Recent<OrgId, bool>;

/// API keys in the database.
#[derive(Debug, Clone)]
pub struct SeaApiKeys(Database);

impl SeaApiKeys {
    /// The keys in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<ApiKey>, StoreError> {
        self.0.ask(Entity::by_token(hash).one(self.0.reader())).await?.map(to_key).transpose()
    }

    async fn is_active(&self, org: OrgId) -> Result<Option<bool>, StoreError> {
        let status = organization::Entity::of(org).select_only().column(organization::Column::Status);
        let status: Option<String> = self.0.ask(status.into_tuple().one(self.0.reader())).await?;
        Ok(status.map(|status| status == OrgStatus::Active.as_str()))
    }
}

fn to_row(key: &ApiKey, hash: &TokenHash, created_by: Option<UserId>) -> ActiveModel {
    let row = Model {
        org_id: key.org.uuid(),
        id: key.id.uuid(),
        token_hash: bytes(hash),
        name: key.name.as_str().to_owned(),
        scopes: key.scopes.to_string(),
        platform: key.platform,
        preview: key.preview.clone(),
        created_by: created_by.map(UserId::uuid),
        created_at: storable(key.created_at),
        expires_at: key.expires_at.map(storable),
        last_used_at: key.last_used.map(storable),
        revoked_at: key.revoked_at.map(storable),
    };
    row.into_active_model().reset_all()
}

fn to_key(row: Model) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId::from_uuid(row.id),
        org: OrgId::from_uuid(row.org_id),
        name: read("api_key.name", KeyName::parse(&row.name))?,
        scopes: read("api_key.scopes", row.scopes.parse())?,
        platform: row.platform,
        preview: row.preview,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used: row.last_used_at,
        revoked_at: row.revoked_at,
    })
}

/// How many of the organization's keys live at this time. Its row is locked: nobody else adds one.
async fn living(tx: &Tx, org: OrgId, at: Timestamp) -> Result<u64, DbErr> {
    let unexpired = Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(storable(at)));
    count(Entity::of(org).filter(Column::RevokedAt.is_null()).filter(unexpired), &**tx).await
}

#[async_trait]
impl ApiKeyStore for SeaApiKeys {
    async fn create(&self, key: &ApiKey, hash: &TokenHash, record: &Record) -> Result<KeyKept, StoreError> {
        let row = &to_row(key, hash, record.actor.user_id());
        let change = |tx: Tx| async move {
            if guard::lock(&*tx, key.org).await?.is_none() {
                return Err(guard::deleted_meanwhile().into());
            }
            if !guard::caller_holds(&*tx, key.org, record, Permission::ManageKeys).await? {
                return Ok(RollBack(KeyKept::Outdated));
            }
            if living(&tx, key.org, key.created_at).await? >= u64::from(ApiKey::PER_ORG) {
                return Ok(RollBack(KeyKept::TooMany));
            }
            Entity::insert(row.clone()).exec_without_returning(&*tx).await?;
            Ok(Commit(KeyKept::Kept))
        };
        self.0.change(record, change).await
    }

    async fn by_hash(&self, hash: &TokenHash) -> Result<Option<ApiKey>, StoreError> {
        let recent = self.0.api_keys();
        match recent.get(hash) {
            Some(key) => Ok(Some(key)),
            None => recent.keep(*hash, Box::pin(self.find(hash))).await,
        }
    }

    async fn org_active(&self, org: OrgId) -> Result<bool, StoreError> {
        let recent = self.0.states();
        let active = match recent.get(&org) {
            Some(active) => Some(active),
            None => recent.keep(org, Box::pin(self.is_active(org))).await?,
        };
        Ok(active.unwrap_or(false))
    }

    async fn list(&self, org: OrgId) -> Result<Vec<ApiKey>, StoreError> {
        let kept = Entity::of(org).filter(Column::RevokedAt.is_null());
        let newest = kept.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
        self.0.ask(newest.all(self.0.reader())).await?.into_iter().map(to_key).collect()
    }

    async fn revoke(&self, org: OrgId, id: ApiKeyId, record: &Record) -> Result<KeyRevoked, StoreError> {
        let _moving = self.0.api_keys().moving();
        let change = |tx: Tx| async move {
            if guard::lock(&*tx, org).await?.is_none() {
                return Ok(RollBack(KeyRevoked::NotFound));
            }
            if !guard::caller_holds(&*tx, org, record, Permission::ManageKeys).await? {
                return Ok(RollBack(KeyRevoked::Outdated));
            }
            let revoked = Entity::update_many()
                .col_expr(Column::RevokedAt, Expr::value(storable(record.at)))
                .filter(Column::OrgId.eq(org.uuid()))
                .filter(Column::Id.eq(id.uuid()))
                .filter(Column::RevokedAt.is_null())
                .exec(&*tx)
                .await?;
            let done = revoked.rows_affected == 1;
            Ok(if done { Commit(KeyRevoked::Revoked) } else { RollBack(KeyRevoked::NotFound) })
        };
        self.0.change(record, change).await
    }

    async fn touch(&self, id: ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        let now = storable(now);
        let touch = |tx: Tx| async move {
            Entity::update_many()
                .col_expr(Column::LastUsedAt, Expr::value(now))
                .filter(Column::Id.eq(id.uuid()))
                .filter(Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lt(now)))
                .exec(&*tx)
                .await?;
            Ok(Commit(()))
        };
        self.0.write(touch).await
    }
}
