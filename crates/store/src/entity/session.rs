use kernel::{TokenHash, UserId};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_hash: Vec<u8>,
    pub id: Uuid,
    pub user_id: Uuid,
    pub org_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub auth_time: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub idle_micros: i64,
    pub last_seen: DateTimeUtc,
    pub idle_until: DateTimeUtc,
    pub user_epoch: i64,
    pub org_epoch: i64,
    pub platform_epoch: i64,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The session with this key.
    #[expect(clippy::disallowed_methods, reason = "the key is the proof, and unique")]
    pub(crate) fn by_key(key: &TokenHash) -> Select<Self> {
        Self::find().filter(Column::KeyHash.eq(key.as_bytes().to_vec()))
    }

    /// One account's sessions.
    #[expect(clippy::disallowed_methods, reason = "scoped to one account")]
    pub(crate) fn of_user(user: UserId) -> Select<Self> {
        Self::find().filter(Column::UserId.eq(user.uuid()))
    }
}
