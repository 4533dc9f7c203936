//! The cookies of this site (OWASP ASVS 3.3): `HttpOnly`, `SameSite=Lax`, `Path=/`, no `Domain`, and over TLS `Secure` with the
//! `__Host-` prefix.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::web::Data;
use auth_core::{Device, Secret, Session, SessionToken, Sessions};

use crate::caller::data;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;
use crate::site::Site;

/// How long a browser is remembered as one that signed in before.
const DEVICE_LIFETIME: Duration = Duration::from_hours(180 * 24);

fn name(site: &Site, bare: &'static str) -> String {
    if site.secure { format!("__Host-{bare}") } else { bare.to_owned() }
}

fn cookie(site: &Site, bare: &'static str, value: String, seconds: u64) -> Cookie<'static> {
    let age = i64::try_from(seconds).unwrap_or(i64::MAX);
    Cookie::build(name(site, bare), value)
        .path("/")
        .http_only(true)
        .secure(site.secure)
        .same_site(SameSite::Lax)
        .max_age(CookieDuration::seconds(age))
        .finish()
}

/// The cookie that carries a session.
pub(crate) fn session(site: &Site, token: &SessionToken, session: &Session) -> Cookie<'static> {
    cookie(site, "ops_session", token.to_cookie(), Sessions::lifetime(session))
}

/// Takes the session cookie away.
pub(crate) fn no_session(site: &Site) -> Cookie<'static> {
    cookie(site, "ops_session", String::new(), 0)
}

/// The cookie that marks a browser as known to an account.
pub(crate) fn device(site: &Site, device: &Device) -> Cookie<'static> {
    cookie(site, "ops_device", device.expose().to_owned(), DEVICE_LIFETIME.as_secs())
}

/// The session token that the request carries, if it can be one.
pub(crate) fn read_session(site: &Site, request: &HttpRequest) -> Option<SessionToken> {
    SessionToken::parse(request.cookie(&name(site, "ops_session"))?.value())
}

/// The device token that the request carries, if it can be one.
pub(crate) fn read_device(site: &Site, request: &HttpRequest) -> Option<Device> {
    Secret::parse(request.cookie(&name(site, "ops_device"))?.value())
}

/// The browser of somebody who signs in: what it brought, and the cookies that it is given.
pub(crate) struct Browser {
    site: Data<Site>,
    /// The session that the new one takes the place of.
    pub(crate) session: Option<SessionToken>,
    /// What marks it as known to an account.
    pub(crate) device: Option<Device>,
}

impl Browser {
    /// The cookie that carries this session.
    pub(crate) fn keep(&self, token: &SessionToken, session: &Session) -> Cookie<'static> {
        self::session(&self.site, token, session)
    }

    /// The cookie that marks it as known, if it was not before.
    pub(crate) fn know(&self, device: Option<&Device>) -> Option<Cookie<'static>> {
        device.map(|device| self::device(&self.site, device))
    }
}

impl Argument for Browser {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let site = data::<Site>(request)?;
        let (session, device) = (read_session(&site, request), read_device(&site, request));
        Ok(Self { site, session, device })
    }
    fn describe(_: &mut Doc) {}
}
