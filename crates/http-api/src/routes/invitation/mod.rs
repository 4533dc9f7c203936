//! Invitations to join an organization.

mod dto;

use actix_web::web::Data;
use kernel::InvitationId;
use org_core::{InvitationToken, Invitations};

use self::dto::{AcceptInvitation, InvitationAccepted, InvitationDone, InvitationsBody};
use crate::Answer;
use crate::caller::{Caller, ManageMembers, Member};
use crate::endpoint::Endpoint;
use crate::input::{Id, Json};
use crate::problem::Problem;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/org/invitations", list)
            .also("/api/v1/org/{org_id}/invitations")
            .summary("The organization's open invitations, newest first"),
        Endpoint::post("/api/v1/org/invitations/{id}/resend", resend)
            .also("/api/v1/org/{org_id}/invitations/{id}/resend")
            .summary("Sends an invitation again, with a new link and a new end; the old link is dead")
            .fails(403, "role_above_own")
            .fails(409, "domain_not_allowed")
            .fails(409, "seat_limit"),
        Endpoint::delete("/api/v1/org/invitations/{id}", revoke)
            .also("/api/v1/org/{org_id}/invitations/{id}")
            .summary("Takes an invitation back")
            .fails(403, "role_above_own"),
        Endpoint::post("/api/v1/org/invitations/accept", accept)
            .summary("Accepts an invitation: once, in time, and only by the user whose verified address it was sent to")
            .fails(404, "not_found")
            .fails(409, "already_member")
            .fails(409, "seat_limit")
            .fails(410, "invitation_expired")
            .once(),
    ]
}

async fn list(invitations: Data<Invitations>, by: Member<ManageMembers>) -> Result<Answer<InvitationsBody>, Problem> {
    Ok(Answer::new(invitations.list(&by.membership).await?.into()))
}

async fn resend(
    invitations: Data<Invitations>,
    by: Member<ManageMembers>,
    Id(id): Id<InvitationId>,
) -> Result<Answer<InvitationDone>, Problem> {
    Ok(Answer::new(invitations.resend(&by.actor, &by.membership, id).await?.into()))
}

async fn revoke(
    invitations: Data<Invitations>,
    by: Member<ManageMembers>,
    Id(id): Id<InvitationId>,
) -> Result<Answer<InvitationDone>, Problem> {
    invitations.revoke(&by.actor, &by.membership, id).await?;
    Ok(Answer::new(InvitationDone::revoked()))
}

async fn accept(
    invitations: Data<Invitations>,
    caller: Caller,
    body: Json<AcceptInvitation>,
) -> Result<Answer<InvitationAccepted>, Problem> {
    let token = InvitationToken::try_from(body.0)?;
    let (org, role) = invitations.accept(&caller.actor, caller.user(), &token).await?;
    Ok(Answer::new(InvitationAccepted::new(org, role)))
}
