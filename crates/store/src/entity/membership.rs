use kernel::{OrgId, UserId};
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

/// A member now.
pub(crate) const ACTIVE: &str = "active";
/// Was a member. The row stays, so that its epoch only grows and no old session fits it again.
pub(crate) const REMOVED: &str = "removed";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "membership")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub role: String,
    pub status: String,
    /// Active, and the organization is not deleted: stands in the member's own list.
    pub listed: bool,
    pub epoch: i64,
    pub joined_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(
        belongs_to = "super::organization::Entity",
        from = "Column::OrgId",
        to = "super::organization::Column::Id"
    )]
    Organization,
    #[sea_orm(belongs_to = "super::app_user::Entity", from = "Column::UserId", to = "super::app_user::Column::Id")]
    AppUser,
    #[sea_orm(
        belongs_to = "super::user_profile::Entity",
        from = "Column::UserId",
        to = "super::user_profile::Column::UserId"
    )]
    UserProfile,
}

impl Related<super::organization::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Organization.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's memberships.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }

    /// One organization's members.
    pub(crate) fn active(org: OrgId) -> Select<Self> {
        Self::of(org).filter(Column::Status.eq(ACTIVE))
    }

    /// One account's memberships.
    #[expect(clippy::disallowed_methods, reason = "scoped to one account")]
    pub(crate) fn of_user(user: UserId) -> Select<Self> {
        Self::find().filter(Column::UserId.eq(user.uuid()))
    }

    /// The memberships of these organizations, for the platform's own list.
    #[expect(clippy::disallowed_methods, reason = "scoped to the organizations of one page")]
    pub(crate) fn of_all(orgs: impl IntoIterator<Item = Uuid>) -> Select<Self> {
        Self::find().filter(Column::OrgId.is_in(orgs)).filter(Column::Status.eq(ACTIVE))
    }
}
