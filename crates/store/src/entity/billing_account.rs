use billing_core::PaymentProvider;
use kernel::{OrgId, Timestamp};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

use crate::value::storable;

/// An organization without a row never had to do with money.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_account")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    pub provider: String,
    pub customer: Option<String>,
    pub access: Option<String>,
    pub synced_at: Option<DateTimeUtc>,
    pub next_at: Option<DateTimeUtc>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(
        belongs_to = "super::billing_subscription::Entity",
        from = "Column::OrgId",
        to = "super::billing_subscription::Column::OrgId"
    )]
    Subscription,
}

impl Related<super::billing_subscription::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Subscription.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's account.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }

    /// The account of one customer of a provider.
    #[expect(clippy::disallowed_methods, reason = "scoped to one customer, whose organization is asked for")]
    pub(crate) fn of_customer(provider: PaymentProvider, customer: &str) -> Select<Self> {
        Self::find().filter(Column::Provider.eq(provider.as_str())).filter(Column::Customer.eq(customer))
    }

    /// The accounts of a provider's customers, for the comparison with what the provider knows.
    #[expect(clippy::disallowed_methods, reason = "the comparison with a provider belongs to the platform")]
    pub(crate) fn customers(provider: PaymentProvider) -> Select<Self> {
        Self::find().filter(Column::Provider.eq(provider.as_str())).filter(Column::Customer.is_not_null())
    }

    /// The accounts that time alone has changed.
    #[expect(clippy::disallowed_methods, reason = "what time changes belongs to the platform")]
    pub(crate) fn due(now: Timestamp) -> Select<Self> {
        Self::find().filter(Column::NextAt.lte(storable(now)))
    }
}
