use async_trait::async_trait;
use kernel::{Email, InvitationId, OrgId, Record, Role, StoreError, Timestamp, TokenHash, UserId};
use org_core::{Accepted, Invitation, InvitationStore, Inviting, Renewal, Renewed, Revoked};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait, SelectExt, UpdateMany,
};

use super::guard;
use crate::connection::Database;
use crate::entity::invitation::{ACCEPTED, Column, EXPIRED, Entity, Model, OPEN, REVOKED};
use crate::entity::{app_user, membership};
use crate::error::{Failure, violated};
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::value::{bytes, read, storable};

/// Invitations in the database.
#[derive(Debug, Clone)]
pub struct SeaInvitations(Database);

impl SeaInvitations {
    /// The invitations in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }
}

fn to_row(invitation: &Invitation, token: &TokenHash) -> Model {
    Model {
        org_id: invitation.org.uuid(),
        id: invitation.id.uuid(),
        email: invitation.email.as_str().to_owned(),
        email_canonical: invitation.email.canonical().to_owned(),
        role: invitation.role.as_str().to_owned(),
        invited_by: invitation.invited_by.uuid(),
        token_hash: bytes(token),
        created_at: storable(invitation.created_at),
        expires_at: storable(invitation.expires_at),
        state: OPEN.to_owned(),
    }
}

fn to_invitation(row: Model) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: InvitationId::from_uuid(row.id),
        org: OrgId::from_uuid(row.org_id),
        email: read("invitation.email", Email::parse(&row.email))?,
        role: read("invitation.role", row.role.parse())?,
        invited_by: UserId::from_uuid(row.invited_by),
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}

/// A change of the organization's open invitation with this id.
fn change_open(org: OrgId, id: InvitationId) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::OrgId.eq(org.uuid()))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::State.eq(OPEN))
}

async fn is_members_address(tx: &Tx, invitation: &Invitation) -> Result<bool, DbErr> {
    membership::Entity::active(invitation.org)
        .join(JoinType::InnerJoin, membership::Relation::AppUser.def())
        .filter(app_user::Column::EmailCanonical.eq(invitation.email.canonical()))
        .exists(&**tx)
        .await
}

/// Opens an invitation under the organization's lock.
async fn open(
    tx: &Tx,
    row: Model,
    invitation: &Invitation,
    seats: u32,
    record: &Record,
) -> Result<Step<Inviting>, Failure> {
    let org = guard::lock(&**tx, invitation.org).await?.ok_or_else(guard::deleted_meanwhile)?;
    if !guard::caller_reaches(&**tx, invitation.org, record, &[invitation.role]).await? {
        return Ok(RollBack(Inviting::Outdated));
    }
    if is_members_address(tx, invitation).await? {
        return Ok(RollBack(Inviting::AlreadyMember));
    }
    Entity::update_many()
        .col_expr(Column::State, Expr::value(EXPIRED))
        .filter(Column::OrgId.eq(invitation.org.uuid()))
        .filter(Column::EmailCanonical.eq(invitation.email.canonical()))
        .filter(Column::State.eq(OPEN))
        .filter(Column::ExpiresAt.lte(storable(record.at)))
        .exec(&**tx)
        .await?;
    let same = Entity::of(invitation.org).filter(Column::EmailCanonical.eq(invitation.email.canonical()));
    if same.exists(&**tx).await? {
        return Ok(RollBack(Inviting::AlreadyInvited));
    }
    if !guard::has_seat(&**tx, &org, seats, record.at).await? {
        return Ok(RollBack(Inviting::SeatLimit));
    }
    match Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&**tx).await {
        Ok(_) => Ok(Commit(Inviting::Created)),
        Err(err) if violated(&err, &["email_canonical", "invitation_open"]).is_some() => {
            Ok(RollBack(Inviting::AlreadyInvited))
        }
        Err(err) => Err(err.into()),
    }
}

/// An open invitation, and whether the caller may act on its role. The organization's row is locked.
async fn reached(tx: &Tx, org: OrgId, id: InvitationId, record: &Record) -> Result<Option<(Model, bool)>, Failure> {
    let Some(row) = Entity::of(org).filter(Column::Id.eq(id.uuid())).one(&**tx).await? else { return Ok(None) };
    let role: Role = read("invitation.role", row.role.parse())?;
    let reached = guard::caller_reaches(&**tx, org, record, &[role]).await?;
    Ok(Some((row, reached)))
}

/// Renews an invitation under the organization's lock: an expired one has lost its seat and must find one free.
async fn renew(
    tx: &Tx,
    org: OrgId,
    id: InvitationId,
    renewal: &Renewal,
    record: &Record,
) -> Result<Step<Renewed>, Failure> {
    let at = record.at;
    let Some(row) = guard::lock(&**tx, org).await? else { return Ok(RollBack(Renewed::NotFound)) };
    let old = match reached(tx, org, id, record).await? {
        None => return Ok(RollBack(Renewed::NotFound)),
        Some((_, false)) => return Ok(RollBack(Renewed::Outdated)),
        Some((old, true)) => old,
    };
    if old.expires_at <= storable(at) && !guard::has_seat(&**tx, &row, renewal.seats, at).await? {
        return Ok(RollBack(Renewed::SeatLimit));
    }
    let renewed = change_open(org, id)
        .col_expr(Column::TokenHash, Expr::value(bytes(&renewal.token)))
        .col_expr(Column::ExpiresAt, Expr::value(storable(renewal.expires_at)))
        .exec_with_returning(&**tx)
        .await?;
    match renewed.into_iter().next() {
        Some(row) => Ok(Commit(Renewed::Renewed(to_invitation(row)?))),
        None => Ok(RollBack(Renewed::NotFound)),
    }
}

/// Takes an invitation back under the organization's lock.
async fn revoke(tx: &Tx, org: OrgId, id: InvitationId, record: &Record) -> Result<Step<Revoked>, Failure> {
    if guard::lock(&**tx, org).await?.is_none() {
        return Ok(RollBack(Revoked::NotFound));
    }
    match reached(tx, org, id, record).await? {
        None => Ok(RollBack(Revoked::NotFound)),
        Some((_, false)) => Ok(RollBack(Revoked::Outdated)),
        Some((_, true)) => {
            change_open(org, id).col_expr(Column::State, Expr::value(REVOKED)).exec(&**tx).await?;
            Ok(Commit(Revoked::Revoked))
        }
    }
}

/// Uses an invitation up under the lock of its organization, which is known only after the token was looked up.
async fn accept(
    tx: &Tx,
    token: &TokenHash,
    user: UserId,
    seats: u32,
    at: Timestamp,
) -> Result<Step<Accepted>, Failure> {
    let Some(found) = Entity::by_token(token).one(&**tx).await? else { return Ok(RollBack(Accepted::Gone)) };
    let org_id = OrgId::from_uuid(found.org_id);
    let Some(org) = guard::lock(&**tx, org_id).await? else { return Ok(RollBack(Accepted::Gone)) };
    let still = Entity::by_token(token).filter(Column::OrgId.eq(org.id)).one(&**tx).await?;
    let Some(row) = still.filter(|row| row.expires_at > storable(at)) else { return Ok(RollBack(Accepted::Gone)) };
    let member = guard::member(&**tx, org_id, user).await?.is_some();
    if !member && org.member_count >= i64::from(seats) {
        return Ok(RollBack(Accepted::SeatLimit));
    }
    let accepted = change_open(org_id, InvitationId::from_uuid(row.id)).col_expr(Column::State, Expr::value(ACCEPTED));
    accepted.exec(&**tx).await?;
    if member {
        return Ok(Commit(Accepted::AlreadyMember));
    }
    let role: Role = read("invitation.role", row.role.parse())?;
    guard::join(&**tx, org_id, user, role, at).await?;
    Ok(Commit(Accepted::Accepted))
}

#[async_trait]
impl InvitationStore for SeaInvitations {
    async fn create(
        &self,
        invitation: &Invitation,
        token: &TokenHash,
        seats: u32,
        record: &Record,
    ) -> Result<Inviting, StoreError> {
        let row = &to_row(invitation, token);
        let change = |tx: Tx| async move { open(&tx, row.clone(), invitation, seats, record).await };
        self.0.change(record, change).await
    }

    async fn open(&self, org: OrgId, now: Timestamp) -> Result<Vec<Invitation>, StoreError> {
        let open = Entity::of(org).filter(Column::ExpiresAt.gt(storable(now)));
        let newest = open.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
        let rows = self.0.ask(newest.all(self.0.reader())).await?;
        rows.into_iter().map(to_invitation).collect()
    }

    async fn by_token(&self, token: &TokenHash) -> Result<Option<Invitation>, StoreError> {
        self.0.ask(Entity::by_token(token).one(self.0.reader())).await?.map(to_invitation).transpose()
    }

    async fn renew(
        &self,
        org: OrgId,
        id: InvitationId,
        renewal: &Renewal,
        record: &Record,
    ) -> Result<Renewed, StoreError> {
        let change = |tx: Tx| async move { renew(&tx, org, id, renewal, record).await };
        self.0.change(record, change).await
    }

    async fn revoke(&self, org: OrgId, id: InvitationId, record: &Record) -> Result<Revoked, StoreError> {
        let change = |tx: Tx| async move { revoke(&tx, org, id, record).await };
        self.0.change(record, change).await
    }

    async fn accept(
        &self,
        token: &TokenHash,
        user: UserId,
        seats: u32,
        record: &Record,
    ) -> Result<Accepted, StoreError> {
        let _moving = self.0.moving_standings();
        let change = |tx: Tx| async move { accept(&tx, token, user, seats, record.at).await };
        self.0.change(record, change).await
    }
}
