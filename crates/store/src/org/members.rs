use async_trait::async_trait;
use kernel::{OrgId, Page, Paged, Record, Role, StoreError, Timestamp, UserId};
use org_core::{Added, Changed, Member, MemberFilter, MemberStatus, MemberStore, OrgStatus, Removed, Transferred};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Select,
};

use super::guard;
use crate::connection::Database;
use crate::entity::membership::{Column, Entity, Model, REMOVED, Relation};
use crate::entity::{app_user, organization, user_profile};
use crate::error::Failure;
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::value::{containing, count, part, read};

/// Members in the database.
#[derive(Debug, Clone)]
pub struct SeaMembers(Database);

impl SeaMembers {
    /// The members in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }
}

#[derive(Debug, FromQueryResult)]
struct Row {
    user_id: uuid::Uuid,
    email: String,
    email_verified: bool,
    username: String,
    display_name: Option<String>,
    role: String,
    enabled: bool,
    joined_at: Timestamp,
    last_login: Option<Timestamp>,
}

impl Row {
    fn into_member(self) -> Result<Member, StoreError> {
        Ok(Member {
            user: UserId::from_uuid(self.user_id),
            email: self.email,
            email_verified: self.email_verified,
            username: self.username,
            display_name: self.display_name,
            role: read("membership.role", self.role.parse())?,
            status: if self.enabled { MemberStatus::Active } else { MemberStatus::Disabled },
            joined_at: self.joined_at,
            last_active: self.last_login,
        })
    }
}

/// Members with their accounts and profiles.
fn people(org: OrgId) -> Select<Entity> {
    Entity::active(org)
        .join(JoinType::InnerJoin, Relation::AppUser.def())
        .join(JoinType::LeftJoin, Relation::UserProfile.def())
}

fn shown(rows: Select<Entity>) -> Select<Entity> {
    rows.select_only()
        .columns([Column::UserId, Column::Role, Column::JoinedAt])
        .columns([app_user::Column::Email, app_user::Column::EmailVerified, app_user::Column::Username])
        .columns([app_user::Column::Enabled, app_user::Column::LastLogin])
        .column(user_profile::Column::DisplayName)
}

fn filtered(org: OrgId, filter: &MemberFilter) -> Select<Entity> {
    let mut rows = people(org);
    if let Some(role) = filter.role {
        rows = rows.filter(Column::Role.eq(role.as_str()));
    }
    if let Some(search) = &filter.search {
        let account = app_user::Column::SearchText.like(containing(search));
        let profile = user_profile::Column::SearchText.like(containing(search));
        rows = rows.filter(Condition::any().add(account).add(profile));
    }
    rows
}

fn this(org: OrgId, user: UserId) -> Condition {
    Condition::all().add(Column::OrgId.eq(org.uuid())).add(Column::UserId.eq(user.uuid()))
}

/// Gives a member a role and moves the membership's epoch.
async fn set_role(tx: &impl ConnectionTrait, org: OrgId, user: UserId, role: Role) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Role, Expr::value(role.as_str()))
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .filter(this(org, user))
        .exec(tx)
        .await
        .map(drop)
}

/// Whether this member may leave their role: the last active owner of an active organization may not.
async fn may_step_down(tx: &Tx, org: &organization::Model, member: &Model) -> Result<bool, DbErr> {
    if org.status != OrgStatus::Active.as_str() || member.role != Role::Owner.as_str() {
        return Ok(true);
    }
    guard::is_kept(&**tx, OrgId::from_uuid(org.id), Some(UserId::from_uuid(member.user_id))).await
}

async fn remove(tx: &Tx, org: OrgId, user: UserId, expected: Role, record: &Record) -> Result<Removed, Failure> {
    let Some(row) = guard::lock(&**tx, org).await? else { return Ok(Removed::NotFound) };
    let member = guard::member(&**tx, org, user).await?.filter(|member| member.role == expected.as_str());
    let Some(member) = member else { return Ok(Removed::NotFound) };
    let oneself = record.actor.user_id() == Some(user);
    if !oneself && !guard::caller_reaches(&**tx, org, record, &[expected]).await? {
        return Ok(Removed::Outdated);
    }
    if !may_step_down(tx, &row, &member).await? {
        return Ok(Removed::LastOwner);
    }
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(REMOVED))
        .col_expr(Column::Listed, Expr::value(false))
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .filter(this(org, user))
        .exec(&**tx)
        .await?;
    let enabled = guard::hold_enabled(&**tx, user).await?;
    guard::count_member(&**tx, org, -1, enabled).await?;
    Ok(Removed::Removed)
}

async fn transfer(tx: &Tx, org: OrgId, from: UserId, to: UserId) -> Result<Transferred, Failure> {
    if guard::lock(&**tx, org).await?.is_none() {
        return Ok(Transferred::NotFound);
    }
    let giver = guard::member(&**tx, org, from).await?;
    if giver.is_none_or(|giver| giver.role != Role::Owner.as_str()) {
        return Ok(Transferred::NotOwner);
    }
    let heir = guard::member(&**tx, org, to).await?;
    if from == to || heir.is_none() || !guard::hold_enabled(&**tx, to).await? {
        return Ok(Transferred::NotFound);
    }
    set_role(&**tx, org, to, Role::Owner).await?;
    set_role(&**tx, org, from, Role::Admin).await?;
    Ok(Transferred::Transferred)
}

/// Keeps only what came out well.
fn kept_if<T: PartialEq>(answer: T, well: &T) -> Step<T> {
    if answer == *well { Commit(answer) } else { RollBack(answer) }
}

#[async_trait]
impl MemberStore for SeaMembers {
    async fn role(&self, org: OrgId, user: UserId) -> Result<Option<(Role, OrgStatus)>, StoreError> {
        let row = Entity::active(org)
            .filter(Column::UserId.eq(user.uuid()))
            .join(JoinType::InnerJoin, Relation::AppUser.def())
            .join(JoinType::InnerJoin, Relation::Organization.def())
            .filter(app_user::Column::Enabled.eq(true))
            .filter(organization::Column::Status.ne(OrgStatus::Deleted.as_str()))
            .select_only()
            .column(Column::Role)
            .column_as(organization::Column::Status, "org_status")
            .into_tuple::<(String, String)>();
        let found = self.0.ask(row.one(self.0.reader())).await?;
        let parse = |(role, status): (String, String)| -> Result<(Role, OrgStatus), StoreError> {
            Ok((read("membership.role", role.parse())?, read("organization.status", status.parse())?))
        };
        found.map(parse).transpose()
    }

    async fn find(&self, org: OrgId, user: UserId) -> Result<Option<Member>, StoreError> {
        let row = shown(people(org).filter(Column::UserId.eq(user.uuid()))).into_model::<Row>();
        self.0.ask(row.one(self.0.reader())).await?.map(Row::into_member).transpose()
    }

    async fn page(&self, org: OrgId, filter: &MemberFilter, page: Page) -> Result<Paged<Member>, StoreError> {
        let rows = filtered(org, filter);
        let total = self.0.ask(count(rows.clone(), self.0.reader())).await?;
        let oldest = part(shown(rows).order_by_asc(Column::JoinedAt).order_by_asc(Column::UserId), page);
        let items = self.0.ask(oldest.into_model::<Row>().all(self.0.reader())).await?;
        Ok(Paged { items: items.into_iter().map(Row::into_member).collect::<Result<_, _>>()?, total, page })
    }

    async fn add(
        &self,
        org: OrgId,
        user: UserId,
        role: Role,
        seats: u32,
        record: &Record,
    ) -> Result<Added, StoreError> {
        let _moving = self.0.moving_standings();
        let change = |tx: Tx| async move {
            let row = guard::lock(&*tx, org).await?.ok_or_else(guard::deleted_meanwhile)?;
            if !guard::caller_reaches(&*tx, org, record, &[role]).await? {
                return Ok(RollBack(Added::Outdated));
            }
            if guard::member(&*tx, org, user).await?.is_some() {
                return Ok(RollBack(Added::AlreadyMember));
            }
            if !guard::has_seat(&*tx, &row, seats, record.at).await? {
                return Ok(RollBack(Added::SeatLimit));
            }
            guard::join(&*tx, org, user, role, record.at).await?;
            Ok(Commit(Added::Added))
        };
        self.0.change(record, change).await
    }

    async fn remove(&self, org: OrgId, user: UserId, expected: Role, record: &Record) -> Result<Removed, StoreError> {
        let _moving = self.0.moving_standings();
        let change =
            |tx: Tx| async move { Ok(kept_if(remove(&tx, org, user, expected, record).await?, &Removed::Removed)) };
        self.0.change(record, change).await
    }

    async fn change_role(
        &self,
        org: OrgId,
        user: UserId,
        from: Role,
        to: Role,
        record: &Record,
    ) -> Result<Changed, StoreError> {
        let _moving = self.0.moving_standings();
        let change = |tx: Tx| async move {
            let Some(row) = guard::lock(&*tx, org).await? else { return Ok(RollBack(Changed::NotFound)) };
            let Some(member) = guard::member(&*tx, org, user).await? else { return Ok(RollBack(Changed::NotFound)) };
            if member.role != from.as_str() || !guard::caller_reaches(&*tx, org, record, &[from, to]).await? {
                return Ok(RollBack(Changed::Outdated));
            }
            if from == to {
                return Ok(Commit(Changed::Changed));
            }
            if !may_step_down(&tx, &row, &member).await? {
                return Ok(RollBack(Changed::LastOwner));
            }
            if to == Role::Owner {
                guard::hold_enabled(&*tx, user).await?;
            }
            set_role(&*tx, org, user, to).await?;
            Ok(Commit(Changed::Changed))
        };
        self.0.change(record, change).await
    }

    async fn transfer(&self, org: OrgId, from: UserId, to: UserId, record: &Record) -> Result<Transferred, StoreError> {
        let _moving = self.0.moving_standings();
        let change =
            |tx: Tx| async move { Ok(kept_if(transfer(&tx, org, from, to).await?, &Transferred::Transferred)) };
        self.0.change(record, change).await
    }
}
