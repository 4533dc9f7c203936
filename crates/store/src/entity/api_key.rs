use kernel::{OrgId, TokenHash};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub token_hash: Vec<u8>,
    pub name: String,
    /// Names with a space between.
    pub scopes: String,
    pub platform: bool,
    pub preview: String,
    /// Whoever made it, if that was a person.
    pub created_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub expires_at: Option<DateTimeUtc>,
    pub last_used_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's keys, revoked ones included.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }

    /// The key with this token: its holder does not know the organization.
    #[expect(clippy::disallowed_methods, reason = "the token is the proof, and unique")]
    pub(crate) fn by_token(token: &TokenHash) -> Select<Self> {
        Self::find().filter(Column::TokenHash.eq(token.as_bytes().to_vec()))
    }
}
