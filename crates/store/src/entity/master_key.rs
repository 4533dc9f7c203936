use byok_core::MasterKeyId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

/// What is known of a master key. Not the key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "master_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Sixteen bytes that tell it from another key of its name.
    pub check_value: Vec<u8>,
    /// How often it sealed.
    pub uses: i64,
    pub registered_at: DateTimeUtc,
    pub retired_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One master key.
    #[expect(clippy::disallowed_methods, reason = "scoped to one master key, which no tenant owns")]
    pub(crate) fn by_id(id: &MasterKeyId) -> Select<Self> {
        Self::find().filter(Column::Id.eq(id.as_str()))
    }

    /// Every master key, retired ones included.
    #[expect(clippy::disallowed_methods, reason = "master keys belong to no tenant")]
    pub(crate) fn listing() -> Select<Self> {
        Self::find()
    }
}
