use kernel::{OrgId, Timestamp};
use plan_core::{PlanId, SubscriptionStatus};
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryFilter, Select};

use crate::value::storable;

/// An organization without a row is on the default plan since it was made.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    pub plan_id: String,
    pub status: String,
    pub source: String,
    pub anchor: DateTimeUtc,
    pub trial_ends_at: Option<DateTimeUtc>,
    pub version: i64,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(
        belongs_to = "super::organization::Entity",
        from = "Column::OrgId",
        to = "super::organization::Column::Id"
    )]
    Organization,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's subscription.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }

    /// The subscriptions whose plan counts at this time, to ask which organizations have one.
    #[expect(clippy::disallowed_methods, reason = "the list of tenants belongs to the platform")]
    pub(crate) fn granted(at: Timestamp) -> Select<Self> {
        let granting = SubscriptionStatus::ALL.into_iter().filter(|status| status.grants());
        let runs = Condition::any().add(Column::TrialEndsAt.is_null()).add(Column::TrialEndsAt.gt(storable(at)));
        Self::find().filter(Column::Status.is_in(granting.map(SubscriptionStatus::as_str))).filter(runs)
    }

    /// The subscriptions of a plan, to ask whether there is one.
    #[expect(clippy::disallowed_methods, reason = "scoped to one plan, which no tenant owns")]
    pub(crate) fn on(plan: &PlanId) -> Select<Self> {
        Self::find().filter(Column::PlanId.eq(plan.as_str()))
    }
}
