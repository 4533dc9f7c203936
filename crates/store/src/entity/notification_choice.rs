use kernel::UserId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_choice")]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub email: bool,
    pub system: bool,
    pub updates: bool,
    pub security: bool,
    pub billing: bool,
    pub marketing: bool,
    pub sms: bool,
    pub push: bool,
    pub usage_alerts: bool,
    pub usage_alert_threshold: i64,
    pub frequency: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One account's choices.
    #[expect(clippy::disallowed_methods, reason = "the one scoped finder of this table")]
    pub(crate) fn of_user(user: UserId) -> Select<Self> {
        Self::find().filter(Column::UserId.eq(user.uuid()))
    }
}
