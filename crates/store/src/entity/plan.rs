use plan_core::PlanId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

/// Amounts are in minor units, limits −1 where there is no end.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan")]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub description: String,
    pub level: i64,
    pub monthly_cents: i64,
    pub yearly_cents: i64,
    pub currency: String,
    pub monthly_limit: i64,
    pub daily_limit: i64,
    pub per_user_limit: i64,
    pub rate_per_minute: i64,
    pub concurrent_searches: i64,
    pub seats: i64,
    pub byok: bool,
    /// A JSON array of names.
    pub services: String,
    /// A JSON array of objects, in the order in which they are shown.
    pub features: String,
    pub priority_support: bool,
    pub trial_days: i64,
    pub is_public: bool,
    pub is_popular: bool,
    pub is_active: bool,
    pub stripe_price: Option<String>,
    pub stripe_annual_price: Option<String>,
    pub lago_plan: Option<String>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One plan, retired or not.
    #[expect(clippy::disallowed_methods, reason = "scoped to one plan")]
    pub(crate) fn by_id(plan: &PlanId) -> Select<Self> {
        Self::find().filter(Column::Id.eq(plan.as_str()))
    }

    /// Every plan, retired ones included.
    #[expect(clippy::disallowed_methods, reason = "the catalogue belongs to no tenant")]
    pub(crate) fn listing() -> Select<Self> {
        Self::find()
    }
}
