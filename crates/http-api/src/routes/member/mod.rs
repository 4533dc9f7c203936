//! Who belongs to an organization, and in which role.

mod dto;
mod owner;

use actix_web::web::Data;
use kernel::{Role, UserId};
use org_core::{Invitations, Members};

use self::dto::add::{AddMember, Addition, NewMember, Whom};
use self::dto::change::{ChangeRole, MemberRemoved, OwnershipTransferred, RoleChanged, Transfer};
use self::dto::list::{MembersBody, MembersQuery, Wanted};
use self::owner::FreshOwner;
use super::org::Renewal;
use crate::Answer;
use crate::caller::{ManageMembers, Member};
use crate::endpoint::Endpoint;
use crate::input::{Id, Json, Query};
use crate::problem::Problem;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/org/members", list)
            .also("/api/v1/org/{org_id}/members")
            .summary("The organization's members, the one who joined first first"),
        Endpoint::post("/api/v1/org/members", add)
            .also("/api/v1/org/{org_id}/members")
            .summary("Adds a known user at once where the settings say so, and invites everybody else by mail")
            .fails(403, "role_above_own")
            .fails(409, "already_member")
            .fails(409, "already_invited")
            .fails(409, "seat_limit")
            .once(),
        Endpoint::delete("/api/v1/org/members/{id}", remove)
            .also("/api/v1/org/{org_id}/members/{id}")
            .summary("Removes a member, or lets the caller leave")
            .fails(403, "role_above_own")
            .fails(409, "last_owner"),
        Endpoint::put("/api/v1/org/members/{id}/role", change_role)
            .also("/api/v1/org/{org_id}/members/{id}/role")
            .summary("Gives a member another role; their sessions in the organization end")
            .fails(403, "role_above_own")
            .fails(409, "last_owner"),
        Endpoint::post("/api/v1/org/transfer-ownership", transfer)
            .also("/api/v1/org/{org_id}/transfer-ownership")
            .summary("Makes another member the owner and the caller an admin, a moment after the caller signed in"),
    ]
}

async fn list(members: Data<Members>, by: Member, query: Query<MembersQuery>) -> Result<Answer<MembersBody>, Problem> {
    let Wanted { filter, page } = query.0.try_into()?;
    Ok(Answer::new(members.page(&by.membership, &filter, page).await?.into()))
}

async fn add(
    invitations: Data<Invitations>,
    by: Member<ManageMembers>,
    body: Json<AddMember>,
) -> Result<Addition, Problem> {
    let NewMember { whom, role } = body.0.try_into()?;
    let done = match whom {
        Whom::Email(email) => invitations.invite(&by.actor, &by.membership, email, role).await?,
        Whom::User(user) => invitations.invite_user(&by.actor, &by.membership, user, role).await?,
    };
    Ok(done.into())
}

async fn remove(
    members: Data<Members>,
    renewal: Renewal,
    by: Member,
    Id(user): Id<UserId>,
) -> Result<Answer<MemberRemoved>, Problem> {
    members.remove(&by.actor, &by.membership, user).await?;
    let oneself = by.membership.user() == user;
    let cookie = if oneself { renewal.follow(&by.identity, by.membership.org()).await? } else { None };
    Ok(Answer::new(MemberRemoved::new(user, oneself)).maybe_cookie(cookie))
}

async fn change_role(
    members: Data<Members>,
    renewal: Renewal,
    by: Member<ManageMembers>,
    Id(user): Id<UserId>,
    body: Json<ChangeRole>,
) -> Result<Answer<RoleChanged>, Problem> {
    let role = Role::try_from(body.0)?;
    members.change_role(&by.actor, &by.membership, user, role).await?;
    let oneself = by.membership.user() == user;
    let cookie = if oneself { renewal.follow(&by.identity, by.membership.org()).await? } else { None };
    Ok(Answer::new(RoleChanged::new(user, role)).maybe_cookie(cookie))
}

async fn transfer(
    members: Data<Members>,
    renewal: Renewal,
    by: FreshOwner,
    body: Json<Transfer>,
) -> Result<Answer<OwnershipTransferred>, Problem> {
    let heir = UserId::try_from(body.0)?;
    members.transfer(&by.actor, &by.membership, heir).await?;
    let cookie = renewal.follow(&by.identity, by.membership.org()).await?;
    Ok(Answer::new(OwnershipTransferred::new(heir)).maybe_cookie(cookie))
}
