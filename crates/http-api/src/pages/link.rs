//! One-time sign-in links. Opening one shows a button: programs that look at mail for their user open links too, and must not use
//! them up.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use auth_core::{AuthError, Secret, SignIn};
use serde::Deserialize;

use super::form::Form;
use super::guest::Guest;
use super::return_to::ReturnTo;
use super::{session, view};
use crate::cookie;
use crate::problem::Problem;
use crate::site::Site;

#[derive(Template)]
#[template(path = "link.html")]
struct Page {
    token: String,
}

/// The form of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    token: String,
}

/// Shows the button.
pub(super) async fn ask(guest: Guest) -> Result<HttpResponse, Problem> {
    match guest.query("token").and_then(|text| Secret::parse(&text)) {
        Some(token) => view::page(StatusCode::OK, &Page { token: token.expose().to_owned() }),
        None => Err(unusable(StatusCode::NOT_FOUND)),
    }
}

/// Signs in.
pub(super) async fn answer(
    sign_in: Data<SignIn>,
    site: Data<Site>,
    form: Form<Fields>,
) -> Result<HttpResponse, Problem> {
    let link = Secret::parse(&form.fields.token).ok_or_else(|| unusable(StatusCode::NOT_FOUND))?;
    let old = cookie::read_session(&site, &form.request);
    match sign_in.with_link(&form.actor, &link, old.as_ref()).await {
        Ok(signed) => Ok(session::begun(&site, &signed, &ReturnTo::home())),
        Err(AuthError::InvalidCredentials) => Err(unusable(StatusCode::UNAUTHORIZED)),
        Err(error) => Err(error.into()),
    }
}

fn unusable(status: StatusCode) -> Problem {
    Problem::new(status, "link_unusable", "this sign-in link cannot be used")
}
