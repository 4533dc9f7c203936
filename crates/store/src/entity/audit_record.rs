use kernel::OrgId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_record")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTimeUtc,
    pub org_id: Option<Uuid>,
    pub actor_type: String,
    pub user_id: Option<Uuid>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub action: String,
    pub resource_type: String,
    pub resource_id: String,
    pub result: String,
    /// A JSON array of pairs of strings, in the order in which they were said.
    pub metadata: String,
    pub session: Option<String>,
    pub request_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's records, or with `None` everybody's: only the platform asks for those.
    #[expect(clippy::disallowed_methods, reason = "the one scoped finder of this table")]
    pub(crate) fn of(org: Option<OrgId>) -> Select<Self> {
        match org {
            Some(org) => Self::find().filter(Column::OrgId.eq(org.uuid())),
            None => Self::find(),
        }
    }
}
