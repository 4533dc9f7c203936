use kernel::UserId;
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_user")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub email_canonical: String,
    pub email_verified: bool,
    pub username: String,
    pub search_text: String,
    pub role: String,
    pub enabled: bool,
    pub password_hash: Option<String>,
    pub tag: String,
    pub epoch: i64,
    pub home_org: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub last_login: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One account.
    #[expect(clippy::disallowed_methods, reason = "scoped to one account")]
    pub(crate) fn by_id(user: UserId) -> Select<Self> {
        Self::find().filter(Column::Id.eq(user.uuid()))
    }

    /// The account with this user name or canonical e-mail address.
    #[expect(clippy::disallowed_methods, reason = "both columns are unique and no user name holds an @")]
    pub(crate) fn by_login(login: &str) -> Select<Self> {
        let either = Condition::any().add(Column::Username.eq(login)).add(Column::EmailCanonical.eq(login));
        Self::find().filter(either)
    }

    /// The account with this canonical e-mail address.
    #[expect(clippy::disallowed_methods, reason = "the column is unique")]
    pub(crate) fn by_email(canonical: &str) -> Select<Self> {
        Self::find().filter(Column::EmailCanonical.eq(canonical))
    }

    /// Every account, to ask whether there is one.
    #[expect(clippy::disallowed_methods, reason = "accounts belong to no tenant")]
    pub(crate) fn everybody() -> Select<Self> {
        Self::find()
    }
}
