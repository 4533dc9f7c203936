use kernel::{OrgId, TaskId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_task")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// JSON.
    pub command: String,
    pub state: String,
    pub attempts: i64,
    /// When its turn is; none when it has none any more.
    pub next_at: Option<DateTimeUtc>,
    /// Until then somebody is carrying it out.
    pub leased_until: Option<DateTimeUtc>,
    pub error: Option<String>,
    pub created_at: DateTimeUtc,
    pub settled_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's tasks.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }

    /// One task, by its name.
    #[expect(clippy::disallowed_methods, reason = "scoped to one task, whose name nobody outside is told")]
    pub(crate) fn by_id(id: TaskId) -> Select<Self> {
        Self::find().filter(Column::Id.eq(id.uuid()))
    }

    /// Tasks that are not over.
    #[expect(clippy::disallowed_methods, reason = "the work of the platform")]
    pub(crate) fn pending() -> Select<Self> {
        // As the index says it, so that it is used.
        Self::find().filter(Expr::cust("state = 'pending'"))
    }
}
