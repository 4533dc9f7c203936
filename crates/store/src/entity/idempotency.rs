use kernel::TokenHash;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

/// Claimed; somebody works on it until the lease ends.
pub(crate) const RUNNING: &str = "running";
/// Answered.
pub(crate) const DONE: &str = "done";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: Vec<u8>,
    pub payload: Vec<u8>,
    pub state: String,
    pub lease_until: DateTimeUtc,
    pub status: Option<i64>,
    pub content_type: Option<String>,
    pub body: Option<Vec<u8>>,
    pub keep_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What is known of one attempt.
    #[expect(clippy::disallowed_methods, reason = "the one scoped finder of this table")]
    pub(crate) fn by_scope(scope: &TokenHash) -> Select<Self> {
        Self::find().filter(Column::Scope.eq(scope.as_bytes().to_vec()))
    }
}
