use billing_core::PaymentProvider;
use kernel::OrgId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider: String,
    pub external: Option<String>,
    pub number: Option<String>,
    pub status: String,
    pub subtotal_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub currency: String,
    pub issued_at: DateTimeUtc,
    pub due_at: Option<DateTimeUtc>,
    pub paid_at: Option<DateTimeUtc>,
    pub period_start: Option<DateTimeUtc>,
    pub period_end: Option<DateTimeUtc>,
    pub plan_id: Option<String>,
    pub cycle: Option<String>,
    pub description: String,
    /// A JSON array.
    pub lines: String,
    /// A JSON array.
    pub payments: String,
    pub customer_name: String,
    pub customer_address: String,
    pub hosted_url: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's invoices.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }

    /// The invoices that a provider calls so, whosever they are: a posting must not move one to another organization.
    #[expect(
        clippy::disallowed_methods,
        reason = "scoped to the provider's own names; who asks compares the organization"
    )]
    pub(crate) fn named<'a>(provider: PaymentProvider, externals: impl IntoIterator<Item = &'a str>) -> Select<Self> {
        Self::find().filter(Column::Provider.eq(provider.as_str())).filter(Column::External.is_in(externals))
    }

    /// The invoice of this number that was made here, for the operator.
    #[expect(clippy::disallowed_methods, reason = "invoices by their number belong to the platform")]
    pub(crate) fn numbered(number: &str) -> Select<Self> {
        // As the index says it, so that it is used.
        Self::find().filter(Expr::cust("provider = 'manual'")).filter(Column::Number.eq(number))
    }
}
