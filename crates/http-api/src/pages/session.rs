//! Ending sessions and changing organization: buttons of the account page.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Data;
use auth_core::{Renewed, Sessions, SignedIn};
use kernel::{OrgId, SessionId};
use serde::Deserialize;

use super::form::{Button, OwnForm};
use super::return_to::ReturnTo;
use super::view::see_other;
use crate::cookie;
use crate::input::Id;
use crate::problem::Problem;
use crate::site::Site;

/// The sign-out form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignOut {
    /// Where to go then; the sign-in page if not said.
    #[serde(default)]
    return_to: String,
}

/// Ends this session.
pub(super) async fn sign_out(
    sessions: Data<Sessions>,
    site: Data<Site>,
    form: OwnForm<SignOut>,
) -> Result<HttpResponse, Problem> {
    sessions.end(&form.actor, form.current.token.tag(), &form.current.session).await?;
    let asked = &form.fields.return_to;
    Ok(signed_out(&site, &ReturnTo::parse(if asked.is_empty() { "/sign-in" } else { asked })))
}

/// Ends one session of the user.
pub(super) async fn end(
    sessions: Data<Sessions>,
    site: Data<Site>,
    form: OwnForm<Button>,
    Id(id): Id<SessionId>,
) -> Result<HttpResponse, Problem> {
    let current = &form.current;
    sessions.revoke(&form.actor, current.token.tag(), &current.session, id).await?;
    if id == current.session.id {
        return Ok(signed_out(&site, &ReturnTo::parse("/sign-in")));
    }
    Ok(see_other(&ReturnTo::home(), []))
}

/// Ends every session of the user but this one.
pub(super) async fn end_others(
    sessions: Data<Sessions>,
    site: Data<Site>,
    form: OwnForm<Button>,
) -> Result<HttpResponse, Problem> {
    let renewed = sessions.revoke_others(&form.actor, &form.current.token, &form.current.session).await?;
    Ok(going_on(&site, &renewed))
}

/// Moves this session to another organization of the user.
pub(super) async fn enter(
    sessions: Data<Sessions>,
    site: Data<Site>,
    form: OwnForm<Button>,
    Id(org): Id<OrgId>,
) -> Result<HttpResponse, Problem> {
    let renewed = sessions.enter(&form.actor, &form.current.token, &form.current.session, org).await?;
    Ok(going_on(&site, &renewed))
}

/// The answer to somebody who has just signed in.
pub(super) fn begun(site: &Site, signed: &SignedIn, to: &ReturnTo) -> HttpResponse {
    see_other(to, cookies(site, signed))
}

/// The cookies of somebody who has just signed in.
pub(super) fn cookies(site: &Site, signed: &SignedIn) -> Vec<actix_web::cookie::Cookie<'static>> {
    let device = signed.device.as_ref().map(|device| cookie::device(site, device));
    std::iter::once(cookie::session(site, &signed.token, &signed.session)).chain(device).collect()
}

fn going_on(site: &Site, renewed: &Renewed) -> HttpResponse {
    see_other(&ReturnTo::home(), [cookie::session(site, &renewed.token, &renewed.session)])
}

fn signed_out(site: &Site, to: &ReturnTo) -> HttpResponse {
    let mut answer = see_other(to, [cookie::no_session(site)]);
    // Not "cookies": the device cookie keeps sign-in possible while strangers are being slowed down.
    let value = HeaderValue::from_static("\"cache\", \"storage\"");
    answer.headers_mut().insert(HeaderName::from_static("clear-site-data"), value);
    answer
}
