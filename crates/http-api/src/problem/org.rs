use actix_web::http::StatusCode;
use org_core::{NamedBy, OrgError};

use super::Problem;

impl Problem {
    /// 403 for the question of a proxy, which passes on every other refusal as a fault of its own.
    pub fn outside() -> Self {
        let why =
            "the organization that the session is in is suspended or deleted, or you are no member of it any more";
        Self::forbidden(format!("{why}; enter another one"))
    }
}

impl From<OrgError> for Problem {
    fn from(error: OrgError) -> Self {
        let detail = error.to_string();
        match error {
            OrgError::OrgNotFound | OrgError::MemberNotFound | OrgError::InvitationNotFound => Self::not_found(),
            OrgError::InvitationExpired => Self::new(StatusCode::GONE, "invitation_expired", detail),
            OrgError::Forbidden(_) | OrgError::OwnerOnly | OrgError::Outdated => Self::forbidden(detail),
            OrgError::RoleAboveOwn => Self::new(StatusCode::FORBIDDEN, "role_above_own", detail),
            OrgError::LastOwner | OrgError::NoActiveOwner => Self::conflict("last_owner", detail),
            OrgError::SeatLimit(_) => Self::conflict("seat_limit", detail),
            OrgError::AlreadyMember => Self::conflict("already_member", detail),
            OrgError::AlreadyInvited => Self::conflict("already_invited", detail),
            OrgError::DomainNotAllowed(NamedBy::Email) => Self::invalid_field("/email", detail),
            OrgError::DomainNotAllowed(NamedBy::UserId) => Self::invalid_field("/user_id", detail),
            OrgError::DomainNotAllowed(NamedBy::Token) => Self::invalid_field("/token", detail),
            OrgError::DomainNotAllowed(NamedBy::Invitation) => Self::conflict("domain_not_allowed", detail),
            OrgError::SlugTaken => Self::conflict("slug_taken", detail),
            OrgError::ConfirmRequired => Self::new(StatusCode::BAD_REQUEST, "confirm_required", detail),
            OrgError::Store(cause) => cause.into(),
        }
    }
}
