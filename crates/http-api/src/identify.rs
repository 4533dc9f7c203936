//! Who a request comes from: a port, so that a foreign application can mount these routes with identities of its own.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web;
use async_trait::async_trait;
use auth_core::{ApiKey, ApiKeyToken, ApiKeys, Freshness, Session, SessionToken, Sessions};
use kernel::{OrgId, PlatformRole, UserId};
use secrecy::{ExposeSecret, SecretString};

use crate::caller::actor;
use crate::cookie;
use crate::problem::Problem;
use crate::site::Site;

/// A verified user, and the organization they act in.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Who.
    pub user: UserId,
    /// Where, if anywhere.
    pub org: Option<OrgId>,
    /// What they may do on the platform.
    pub role: PlatformRole,
    /// The session behind it, when it was read from our cookie: its unsafe requests must pass the CSRF policy.
    pub session: Option<CurrentSession>,
}

impl Identity {
    /// The active organization that a session of ours acts in: reading the session was the proof of membership, as fresh as the session
    /// was asked for.
    pub fn proven_org(&self) -> Option<OrgId> {
        self.session.as_ref().and(self.org)
    }
}

/// The session of a request.
#[derive(Debug, Clone)]
pub struct CurrentSession {
    /// What the cookie carried.
    pub token: SessionToken,
    /// What the store says.
    pub session: Session,
    /// The canonical address of whose it is.
    pub email: String,
}

/// What a request proves who it is from with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A session, or whatever else says which user it is.
    Session(Identity),
    /// An API key of ours: a service. It comes before a session that came with it, and no CSRF policy applies to it.
    Key(ApiKey),
}

/// Tells who a request comes from.
#[async_trait(?Send)]
pub trait Identify {
    /// `None` is nobody (401); an error is "cannot tell now" (503), never a denial. A change asks for [`Freshness::Fresh`].
    async fn identify(&self, request: &HttpRequest, fresh: Freshness) -> Result<Option<Identity>, Problem>;

    /// The API key that the request carries; `None` when it carries none. One that is wrong is a problem (401), whatever else came
    /// with it.
    async fn service(&self, _request: &HttpRequest) -> Result<Option<ApiKey>, Problem> {
        Ok(None)
    }
}

/// What routes ask for.
pub type IdentifyData = web::Data<Arc<dyn Identify>>;

/// Reads the session cookie.
#[derive(Clone)]
pub struct SessionCookie {
    site: Site,
    sessions: Sessions,
}

impl SessionCookie {
    /// Identities from these sessions.
    pub const fn new(site: Site, sessions: Sessions) -> Self {
        Self { site, sessions }
    }
}

#[async_trait(?Send)]
impl Identify for SessionCookie {
    async fn identify(&self, request: &HttpRequest, fresh: Freshness) -> Result<Option<Identity>, Problem> {
        let Some(token) = cookie::read_session(&self.site, request) else { return Ok(None) };
        let found = self.sessions.authenticate(&token, fresh).await?;
        Ok(found.map(|found| Identity {
            user: found.session.user,
            org: found.session.org,
            role: found.standing.platform_role,
            session: Some(CurrentSession { token, session: found.session, email: found.standing.email }),
        }))
    }
}

/// Reads the session cookie, and API keys: `Authorization: Bearer oc_…` (RFC 6750, 2.1) or `X-API-Key: oc_…`.
#[derive(Clone)]
pub struct SessionOrKey {
    sessions: SessionCookie,
    keys: ApiKeys,
}

impl SessionOrKey {
    /// Identities from these sessions, services from these keys.
    pub const fn new(sessions: SessionCookie, keys: ApiKeys) -> Self {
        Self { sessions, keys }
    }
}

#[async_trait(?Send)]
impl Identify for SessionOrKey {
    async fn identify(&self, request: &HttpRequest, fresh: Freshness) -> Result<Option<Identity>, Problem> {
        self.sessions.identify(request, fresh).await
    }

    async fn service(&self, request: &HttpRequest) -> Result<Option<ApiKey>, Problem> {
        let presented = presented(request);
        let Some((first, more)) = presented.split_first() else { return Ok(None) };
        if more.iter().any(|other| other.expose_secret() != first.expose_secret()) {
            return Err(Problem::invalid_api_key());
        }
        let found = self.keys.authenticate(&actor(request, None)?, first).await?;
        let key = found.ok_or_else(Problem::invalid_api_key)?;
        if let Some(note) = self.keys.note_use(&key) {
            actix_web::rt::spawn(async move {
                if let Err(error) = note.await {
                    tracing::warn!(%error, "the use of an API key cannot be remembered");
                }
            });
        }
        Ok(Some(key))
    }
}

/// Every key of ours that the request carries. What does not begin like one is somebody else's, and passed over.
fn presented(request: &HttpRequest) -> Vec<SecretString> {
    let own = request.headers().get_all("X-API-Key").map(|value| value.as_bytes().trim_ascii());
    let bearers = request.headers().get_all("Authorization").filter_map(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
    });
    let ours = own.chain(bearers).filter(|text| text.starts_with(ApiKeyToken::PREFIX.as_bytes()));
    ours.map(|text| String::from_utf8_lossy(text).into_owned().into()).collect()
}
