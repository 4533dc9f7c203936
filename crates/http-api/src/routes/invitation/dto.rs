//! The wire types of this area.

use kernel::{OrgId, Role};
use org_core::{Invitation, InvitationToken, Sent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::wire::time;

/// The organization's open invitations.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitations)]
pub(super) struct InvitationsBody {
    /// The invitations, newest first.
    invitations: Vec<InvitationBody>,
}

/// An open invitation.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
struct InvitationBody {
    /// Its id: not what the link in the mail carries.
    #[schema(example = "inv_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Whom it is for.
    #[schema(example = "ada@acme.example")]
    email: String,
    /// What they will be.
    #[schema(example = "member")]
    role: &'static str,
    /// Who asked them.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    invited_by: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// Until when it can be accepted.
    #[schema(format = DateTime, example = "2026-02-07T09:30:00.000000Z")]
    expires_at: String,
}

impl From<Vec<Invitation>> for InvitationsBody {
    fn from(invitations: Vec<Invitation>) -> Self {
        Self { invitations: invitations.into_iter().map(InvitationBody::from).collect() }
    }
}

impl From<Invitation> for InvitationBody {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.as_str(),
            invited_by: invitation.invited_by.to_string(),
            created_at: time(invitation.created_at),
            expires_at: time(invitation.expires_at),
        }
    }
}

/// An invitation was sent again or taken back.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationDone {
    /// Whether what was asked for happened; `false` when the mail could not be sent.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "The invitation is on its way again.")]
    message: &'static str,
}

impl InvitationDone {
    /// Taken back.
    pub(super) const fn revoked() -> Self {
        Self { success: true, message: "The invitation is taken back: its link is dead." }
    }
}

impl From<Sent> for InvitationDone {
    fn from(sent: Sent) -> Self {
        let message = if sent.mailed {
            "The invitation is on its way again; the old link is dead."
        } else {
            "The invitation is renewed, but its mail could not be sent: try again later."
        };
        Self { success: sent.mailed, message }
    }
}

/// The secret of an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptInvitation {
    /// What the link in the mail carries.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    #[schema(example = "4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e")]
    token: String,
}

impl TryFrom<AcceptInvitation> for InvitationToken {
    type Error = Problem;

    /// A text that cannot be a token names no invitation: 404.
    fn try_from(body: AcceptInvitation) -> Result<Self, Problem> {
        Self::parse(&body.token).ok_or_else(Problem::not_found)
    }
}

/// The caller is a member now.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationAccepted {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// The organization.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: String,
    /// The caller's role in it.
    #[schema(example = "member")]
    role: &'static str,
}

impl InvitationAccepted {
    /// Of this organization, in this role.
    pub(super) fn new(org: OrgId, role: Role) -> Self {
        Self { success: true, org_id: org.to_string(), role: role.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_token_names_no_invitation() {
        for text in ["", "a", "\u{0}", &"a".repeat(42), &"=".repeat(43), &"a".repeat(10_000)] {
            let read = InvitationToken::try_from(AcceptInvitation { token: text.to_owned() });
            assert_eq!(read.err().map(|problem| problem.status().as_u16()), Some(404), "{text:?}");
        }
    }
}
