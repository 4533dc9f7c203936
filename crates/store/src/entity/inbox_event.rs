use billing_core::{EventKey, WorkState};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, QueryFilter, Select};

use crate::value::without_zero;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_event")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub kind: String,
    pub customer: Option<String>,
    pub received_at: DateTimeUtc,
    pub body: Vec<u8>,
    pub state: String,
    pub attempts: i64,
    /// When its turn is; none when it has none any more.
    pub next_at: Option<DateTimeUtc>,
    /// Until then somebody is applying it.
    pub leased_until: Option<DateTimeUtc>,
    pub error: Option<String>,
    /// Whom it was about, once that is known.
    pub org_id: Option<Uuid>,
    pub settled_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The very event.
pub(crate) fn this(key: &EventKey) -> Condition {
    let provider = Column::Provider.eq(key.provider.as_str());
    Condition::all().add(provider).add(Column::Id.eq(without_zero(&key.id)))
}

impl Entity {
    /// One event.
    #[expect(clippy::disallowed_methods, reason = "scoped to one event")]
    pub(crate) fn by_key(key: &EventKey) -> Select<Self> {
        Self::find().filter(this(key))
    }

    /// Events that are not over.
    #[expect(clippy::disallowed_methods, reason = "what a provider sent belongs to no tenant before it is applied")]
    pub(crate) fn pending() -> Select<Self> {
        // As the index says it, so that it is used.
        Self::find().filter(Expr::cust("state = 'pending'"))
    }

    /// Events of a state, or with `None` all of them, for the operator.
    #[expect(clippy::disallowed_methods, reason = "the list of events belongs to the platform")]
    pub(crate) fn listing(state: Option<WorkState>) -> Select<Self> {
        match state {
            Some(state) => Self::find().filter(Column::State.eq(state.as_str())),
            None => Self::find(),
        }
    }
}
