use kernel::OrgId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub slug: String,
    pub search_text: String,
    pub status: String,
    pub settings: String,
    /// Members, as far as seats are concerned.
    pub member_count: i64,
    /// Members whose account is enabled, as people are told.
    pub active_count: i64,
    pub created_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(has_many = "super::membership::Entity")]
    Membership,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::Id.eq(org.uuid()))
    }

    /// Every organization, for the platform's own list.
    #[expect(clippy::disallowed_methods, reason = "the list of tenants belongs to the platform")]
    pub(crate) fn listing() -> Select<Self> {
        Self::find()
    }
}
