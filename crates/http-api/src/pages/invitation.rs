use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use auth_core::{User, Users};
use org_core::{InvitationToken, Invitations, OrgError, Preview};
use serde::Deserialize;

use super::form::OwnForm;
use super::guest::Guest;
use super::return_to::ReturnTo;
use super::view;
use super::wording::role;
use crate::problem::Problem;

/// What an invitation says, and what its reader can do.
#[derive(Template)]
#[template(path = "invitation.html")]
pub(super) struct Page {
    org: String,
    role: &'static str,
    email: String,
    token: String,
    reader: Reader,
}

/// Who holds the invitation.
pub(super) enum Reader {
    /// The one it is for, signed in.
    Addressee { csrf: String },
    /// The one it is for, signed in, but nobody knows yet whether the address is theirs.
    Unproved,
    /// Somebody else, signed in.
    Other { email: String, csrf: String },
    /// Nobody who is signed in: they have an account, or make one.
    Stranger(Draft),
    /// Nobody who is signed in, and there is an account with the address.
    HasAccount,
}

/// An account that is being made: what was typed, and what is wrong with it.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) username: String,
    pub(super) username_error: Option<String>,
    pub(super) password_error: Option<String>,
    pub(super) repeat_error: Option<String>,
}

impl Page {
    pub(super) fn new(preview: &Preview, token: &InvitationToken, reader: Reader) -> Self {
        Self {
            org: preview.org_name.clone(),
            role: role(preview.role),
            email: preview.email.to_string(),
            token: token.expose().to_owned(),
            reader,
        }
    }

    fn has_error(&self) -> bool {
        matches!(&self.reader, Reader::Stranger(draft) if draft.has_error())
    }
}

impl Draft {
    pub(super) const fn has_error(&self) -> bool {
        self.username_error.is_some() || self.password_error.is_some() || self.repeat_error.is_some()
    }
}

impl Reader {
    fn known(user: &User, preview: &Preview, csrf: String) -> Self {
        if user.email != preview.email {
            Self::Other { email: user.email.to_string(), csrf }
        } else if user.email_verified {
            Self::Addressee { csrf }
        } else {
            Self::Unproved
        }
    }
}

/// The form of somebody who is signed in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acceptance {
    token: String,
}

/// Shows what the invitation is to.
pub(super) async fn show(
    invitations: Data<Invitations>,
    users: Data<Users>,
    guest: Guest,
) -> Result<HttpResponse, Problem> {
    let token = token(&guest.query("token").unwrap_or_default())?;
    let preview = invitations.preview(&token).await.map_err(told)?;
    let reader = match guest.me {
        Some(me) => Reader::known(&users.get(me.user).await?, &preview, me.current.token.csrf()),
        None => Reader::Stranger(Draft::default()),
    };
    view::page(StatusCode::OK, &Page::new(&preview, &token, reader))
}

/// Accepts.
pub(super) async fn accept(invitations: Data<Invitations>, form: OwnForm<Acceptance>) -> Result<HttpResponse, Problem> {
    let token = token(&form.fields.token)?;
    invitations.accept(&form.actor, form.user, &token).await.map_err(told)?;
    Ok(view::see_other(&ReturnTo::home(), []))
}

/// The page of this invitation.
pub(super) fn address(token: &InvitationToken) -> String {
    format!("/invitations/accept?token={}", token.expose())
}

/// Reads a token; one that cannot be one is of no invitation.
pub(super) fn token(text: &str) -> Result<InvitationToken, Problem> {
    InvitationToken::parse(text).ok_or_else(|| told(OrgError::InvitationNotFound))
}

/// The problem, with a code of its own where the page says more than "not found".
pub(super) fn told(error: OrgError) -> Problem {
    match error {
        OrgError::InvitationNotFound => {
            Problem::new(StatusCode::NOT_FOUND, "invitation_not_found", "this invitation cannot be used")
        }
        OrgError::DomainNotAllowed(_) => Problem::conflict("domain_not_allowed", error.to_string()),
        other => other.into(),
    }
}
