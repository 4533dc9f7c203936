use sea_orm::Select;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "service")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub icon: Option<String>,
    pub url: Option<String>,
    pub required_permission: Option<String>,
    pub is_external: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Every service.
    #[expect(clippy::disallowed_methods, reason = "the catalogue belongs to no tenant")]
    pub(crate) fn listing() -> Select<Self> {
        Self::find()
    }
}
