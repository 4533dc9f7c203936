use kernel::OrgId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_movement")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    /// The version of the account that came with it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_version: i64,
    pub at: DateTimeUtc,
    pub from_plan: Option<String>,
    pub to_plan: Option<String>,
    pub cycle: Option<String>,
    pub from_monthly: Option<i64>,
    pub from_currency: Option<String>,
    pub to_monthly: Option<i64>,
    pub to_currency: Option<String>,
    pub why: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's movements.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }
}
