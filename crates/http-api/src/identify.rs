//! Who a request comes from: a port, so that a foreign application can mount these routes with identities of its own.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web;
use async_trait::async_trait;
use auth_core::{Freshness, Session, SessionToken, Sessions};
use kernel::{OrgId, PlatformRole, UserId};

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

/// The session of a request.
#[derive(Debug, Clone)]
pub struct CurrentSession {
    /// What the cookie carried.
    pub token: SessionToken,
    /// What the store says.
    pub session: Session,
}

/// Tells who a request comes from.
#[async_trait(?Send)]
pub trait Identify {
    /// `None` is nobody (401); an error is "cannot tell now" (503), never a denial. A change asks for [`Freshness::Fresh`].
    async fn identify(&self, request: &HttpRequest, fresh: Freshness) -> Result<Option<Identity>, Problem>;
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
            session: Some(CurrentSession { token, session: found.session }),
        }))
    }
}
