//! What keeps an active organization owned and its seats counted, whatever races.
//!
//! On PostgreSQL a change of an organization's members, invitations or state first locks the organization's row, and then the
//! account of whoever becomes a member or an owner. Disabling an account locks all its organizations and then the account: so
//! whoever holds an organization's lock knows that its members stay enabled or disabled.
use std::collections::HashMap;

use kernel::{OrgId, Record, Role, StoreError, Timestamp, UserId};
use org_core::policy::reaches;
use org_core::{OrgStatus, Permission};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, JoinType, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, RelationTrait, Select, SelectExt,
};
use uuid::Uuid;

use crate::entity::membership::{self, ACTIVE};
use crate::entity::{app_user, invitation, organization};
use crate::error::Failure;
use crate::value::{count, read, storable};

/// Locks an organization that is not deleted; `None` without one.
pub(crate) async fn lock(tx: &impl ConnectionTrait, org: OrgId) -> Result<Option<organization::Model>, DbErr> {
    let found = organization::Entity::of(org).lock(LockType::NoKeyUpdate).one(tx).await?;
    Ok(found.filter(|org| org.status != OrgStatus::Deleted.as_str()))
}

/// What a change of members finds when the organization was deleted after the caller was let in: trying again says so.
pub(crate) fn deleted_meanwhile() -> StoreError {
    StoreError::unavailable("the organization was deleted meanwhile")
}

/// The ids of the user's organizations of whatever state.
pub(crate) fn memberships(user: UserId) -> Select<membership::Entity> {
    membership::Entity::of_user(user)
        .filter(membership::Column::Status.eq(ACTIVE))
        .select_only()
        .column(membership::Column::OrgId)
}

/// Locks the user's organizations in the order of their ids.
pub(crate) async fn lock_all_of(
    tx: &impl ConnectionTrait,
    user: UserId,
) -> Result<HashMap<Uuid, organization::Model>, DbErr> {
    let locked = organization::Entity::listing()
        .filter(organization::Column::Id.in_subquery(memberships(user).into_query()))
        .order_by_asc(organization::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(tx)
        .await?;
    Ok(locked.into_iter().map(|org| (org.id, org)).collect())
}

/// Members that keep an organization active: owners with an enabled account.
fn keepers(rows: Select<membership::Entity>) -> Select<membership::Entity> {
    rows.join(JoinType::InnerJoin, membership::Relation::AppUser.def())
        .filter(membership::Column::Status.eq(ACTIVE))
        .filter(membership::Column::Role.eq(Role::Owner.as_str()))
        .filter(app_user::Column::Enabled.eq(true))
}

/// Whether the organization has an active owner, `besides` not counted.
pub(crate) async fn is_kept(tx: &impl ConnectionTrait, org: OrgId, besides: Option<UserId>) -> Result<bool, DbErr> {
    let mut keepers = keepers(membership::Entity::of(org));
    if let Some(user) = besides {
        keepers = keepers.filter(membership::Column::UserId.ne(user.uuid()));
    }
    keepers.exists(tx).await
}

/// Whether one of these locked organizations is active and has no active owner but this one.
pub(crate) async fn would_orphan(
    tx: &impl ConnectionTrait,
    user: UserId,
    orgs: &HashMap<Uuid, organization::Model>,
) -> Result<bool, DbErr> {
    let owned: Vec<Uuid> =
        memberships(user).filter(membership::Column::Role.eq(Role::Owner.as_str())).into_tuple().all(tx).await?;
    let is_active = |id: &Uuid| orgs.get(id).is_some_and(|org| org.status == OrgStatus::Active.as_str());
    let active: Vec<Uuid> = owned.into_iter().filter(is_active).collect();
    let kept: Vec<Uuid> = keepers(membership::Entity::of_all(active.iter().copied()))
        .filter(membership::Column::UserId.ne(user.uuid()))
        .select_only()
        .column(membership::Column::OrgId)
        .distinct()
        .into_tuple()
        .all(tx)
        .await?;
    Ok(kept.len() < active.len())
}

/// Keeps an account as it is until the transaction ends; `false` when it cannot be used.
pub(crate) async fn hold_enabled(tx: &impl ConnectionTrait, user: UserId) -> Result<bool, DbErr> {
    let found = app_user::Entity::by_id(user).lock(LockType::Share).one(tx).await?;
    Ok(found.is_some_and(|row| row.enabled))
}

/// The membership of a member.
pub(crate) async fn member(
    tx: &impl ConnectionTrait,
    org: OrgId,
    user: UserId,
) -> Result<Option<membership::Model>, DbErr> {
    membership::Entity::active(org).filter(membership::Column::UserId.eq(user.uuid())).one(tx).await
}

/// Whether the acting user, if they are or were a member, still may act on these roles. Who never was one acts by another right. The
/// organization's row is locked: the answer holds until the transaction ends.
pub(crate) async fn caller_reaches(
    tx: &impl ConnectionTrait,
    org: OrgId,
    record: &Record,
    roles: &[Role],
) -> Result<bool, Failure> {
    caller_is(tx, org, record, |own| roles.iter().all(|role| reaches(own, *role))).await
}

/// The same for a permission.
pub(crate) async fn caller_holds(
    tx: &impl ConnectionTrait,
    org: OrgId,
    record: &Record,
    permission: Permission,
) -> Result<bool, Failure> {
    caller_is(tx, org, record, |own| permission.held_by(own)).await
}

async fn caller_is(
    tx: &impl ConnectionTrait,
    org: OrgId,
    record: &Record,
    enough: impl Fn(Role) -> bool + Send,
) -> Result<bool, Failure> {
    let Some(caller) = record.actor.user_id() else { return Ok(true) };
    let row = membership::Entity::of(org).filter(membership::Column::UserId.eq(caller.uuid())).one(tx).await?;
    let Some(row) = row else { return Ok(true) };
    let own: Role = read("membership.role", row.role.parse())?;
    Ok(row.status == ACTIVE && enough(own))
}

/// Makes the user a member, for the first time or again, and counts them. Their epoch grows. Whether their account is enabled.
pub(crate) async fn join(
    tx: &impl ConnectionTrait,
    org: OrgId,
    user: UserId,
    role: Role,
    at: Timestamp,
) -> Result<bool, DbErr> {
    use membership::Column::{Epoch, JoinedAt, Listed, OrgId as Org, Role as RoleColumn, Status, UserId as User};
    let enabled = hold_enabled(tx, user).await?;
    let row = membership::Model {
        org_id: org.uuid(),
        user_id: user.uuid(),
        role: role.as_str().to_owned(),
        status: ACTIVE.to_owned(),
        listed: true,
        epoch: 0,
        joined_at: storable(at),
    };
    let again = OnConflict::columns([Org, User])
        .update_columns([RoleColumn, Status, Listed, JoinedAt])
        .value(Epoch, Expr::col((membership::Entity, Epoch)).add(1))
        .to_owned();
    let row = row.into_active_model().reset_all();
    membership::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    count_member(tx, org, 1, enabled).await?;
    Ok(enabled)
}

/// Counts a member in or out of what the organization's row keeps.
pub(crate) async fn count_member(tx: &impl ConnectionTrait, org: OrgId, by: i64, enabled: bool) -> Result<(), DbErr> {
    use organization::Column::{ActiveCount, Id, MemberCount};
    organization::Entity::update_many()
        .col_expr(MemberCount, Expr::col(MemberCount).add(by))
        .col_expr(ActiveCount, Expr::col(ActiveCount).add(if enabled { by } else { 0 }))
        .filter(Id.eq(org.uuid()))
        .exec(tx)
        .await
        .map(drop)
}

/// Counts an account that was enabled or disabled in all its organizations, which are locked.
pub(crate) async fn count_enabled(tx: &impl ConnectionTrait, user: UserId, by: i64) -> Result<(), DbErr> {
    use organization::Column::{ActiveCount, Id};
    organization::Entity::update_many()
        .col_expr(ActiveCount, Expr::col(ActiveCount).add(by))
        .filter(Id.in_subquery(memberships(user).into_query()))
        .exec(tx)
        .await
        .map(drop)
}

/// Whether members and open invitations leave a seat free at this time. The organization's row is locked.
pub(crate) async fn has_seat(
    tx: &impl ConnectionTrait,
    org: &organization::Model,
    seats: u32,
    at: Timestamp,
) -> Result<bool, DbErr> {
    let open = invitation::Entity::of(OrgId::from_uuid(org.id)).filter(invitation::Column::ExpiresAt.gt(storable(at)));
    let open = i64::try_from(count(open, tx).await?).unwrap_or(i64::MAX);
    Ok(org.member_count.saturating_add(open) < i64::from(seats))
}
