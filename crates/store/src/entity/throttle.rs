use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

/// Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "throttle")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Steady: the theoretical arrival time of GCRA. Doubling: when the next attempt is admitted.
    pub next_at: i64,
    /// Doubling: the wait that the last attempt caused.
    pub wait: i64,
    /// When the row says nothing any more.
    pub stale_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The counter of one key.
    #[expect(clippy::disallowed_methods, reason = "the one scoped finder of this table")]
    pub(crate) fn by_key(key: &str) -> Select<Self> {
        Self::find().filter(Column::Key.eq(key))
    }
}
