use sea_orm::entity::prelude::*;

/// What an account pays for, or paid for last. It is read with its account only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_subscription")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    pub id: Uuid,
    pub external: Option<String>,
    pub plan_id: String,
    pub cycle: String,
    pub amount_minor: i64,
    pub currency: String,
    pub status: String,
    pub anchor: DateTimeUtc,
    pub period_start: DateTimeUtc,
    pub period_end: DateTimeUtc,
    pub trial_ends_at: Option<DateTimeUtc>,
    pub cancel_at_period_end: bool,
    pub past_due_since: Option<DateTimeUtc>,
    pub pending_plan: Option<String>,
    pub pending_cycle: Option<String>,
    pub pending_at: Option<DateTimeUtc>,
    pub ended_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
