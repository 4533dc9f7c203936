//! The callers that a handler can ask for. A handler that takes one cannot be reached by anybody else, and its unsafe requests have
//! passed the CSRF policy.

use std::marker::PhantomData;
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::{HttpMessage, HttpRequest, web};
use auth_core::Freshness;
use auth_core::policy::csrf::{Evidence, may_sign_in, passes};
use auth_core::policy::device::MAX_USER_AGENT;
use kernel::{Actor, ActorKind, OrgId, PlatformRole, UserId};
use org_core::{Membership, Orgs, Permission};
use utoipa::openapi::path::ParameterIn;

use crate::endpoint::{Argument, Doc, Who};
use crate::identify::{CurrentSession, IdentifyData, Identity};
use crate::middleware::request_id::RequestId;
use crate::problem::Problem;
use crate::site::Site;

/// Somebody, signed in or not.
pub struct Visitor {
    /// From where.
    pub actor: Actor,
    /// Who, if we know.
    pub identity: Option<Identity>,
}

/// Somebody who is about to sign in. Refused when another site's page sent them.
pub struct Newcomer {
    /// From where.
    pub actor: Actor,
}

/// Somebody who is signed in.
pub struct Caller {
    /// Who, and from where.
    pub actor: Actor,
    /// Who.
    pub identity: Identity,
}

/// A member of the organization that the request is about, with a permission in it.
pub struct Member<P = ViewAll> {
    /// Who, and from where.
    pub actor: Actor,
    /// Who.
    pub identity: Identity,
    /// The proof of membership.
    pub membership: Membership,
    permission: PhantomData<P>,
}

/// Somebody who operates the platform.
pub struct PlatformAdmin {
    /// Who, and from where.
    pub actor: Actor,
    /// Who.
    pub identity: Identity,
}

/// A permission, as a type: what [`Member`] asks for.
pub trait Needs {
    /// Which.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident),*) => {$(
        /// The permission of the same name.
        pub struct $name;
        impl Needs for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )*};
}
needs!(ViewAll, ManageMembers, ManageBilling, ManageSettings, DeleteOrg);

impl Caller {
    /// The session, for what only a session of ours can do.
    pub fn session(&self) -> Result<&CurrentSession, Problem> {
        session_of(&self.identity)
    }

    /// Who.
    pub const fn user(&self) -> UserId {
        self.identity.user
    }
}

impl<P> Member<P> {
    /// The session, for what only a session of ours can do.
    pub fn session(&self) -> Result<&CurrentSession, Problem> {
        session_of(&self.identity)
    }
}

pub(crate) fn session_of(identity: &Identity) -> Result<&CurrentSession, Problem> {
    identity.session.as_ref().ok_or_else(|| Problem::forbidden("this needs a signed-in session"))
}

impl Argument for Visitor {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let identity = identify(request).await?;
        Ok(Self { actor: actor(request, identity.as_ref())?, identity })
    }
    fn describe(doc: &mut Doc) {
        doc.problem(503, "unavailable");
    }
}

impl Argument for Newcomer {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let site = data::<Site>(request)?;
        let welcome = may_sign_in(evidence(request, None), &site.origins);
        if welcome { Ok(Self { actor: actor(request, None)? }) } else { Err(Problem::csrf()) }
    }
    fn describe(doc: &mut Doc) {
        doc.problem(403, "csrf_failed");
        doc.problem(429, "too_many_attempts");
        doc.problem(503, "unavailable");
    }
}

impl Argument for Caller {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let identity = known(request).await?;
        check_csrf(request, &identity)?;
        Ok(Self { actor: actor(request, Some(&identity))?, identity })
    }
    fn describe(doc: &mut Doc) {
        doc.only(Who::SignedIn);
    }
}

impl<P: Needs> Argument for Member<P> {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let identity = known(request).await?;
        let org = asked_org(request)?.or(identity.org).ok_or_else(Problem::not_found)?;
        let membership = data::<Orgs>(request)?.membership(org, identity.user).await?;
        membership.require(P::PERMISSION)?;
        check_csrf(request, &identity)?;
        Ok(Self { actor: actor(request, Some(&identity))?, identity, membership, permission: PhantomData })
    }
    fn describe(doc: &mut Doc) {
        doc.only(Who::Member(P::PERMISSION.as_str()));
        doc.parameter(
            "org_id",
            ParameterIn::Query,
            false,
            "The organization, `org_…`; without it the one that the session is in.",
        );
    }
}

impl Argument for PlatformAdmin {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let identity = known(request).await?;
        if identity.role != PlatformRole::Admin {
            return Err(Problem::forbidden("this needs a platform administrator"));
        }
        check_csrf(request, &identity)?;
        Ok(Self { actor: actor(request, Some(&identity))?, identity })
    }
    fn describe(doc: &mut Doc) {
        doc.only(Who::PlatformAdmin);
    }
}

pub(crate) async fn known(request: &HttpRequest) -> Result<Identity, Problem> {
    identify(request).await?.ok_or_else(Problem::unauthenticated)
}

/// Who the request comes from; asked once per request.
pub(crate) async fn identify(request: &HttpRequest) -> Result<Option<Identity>, Problem> {
    if let Some(known) = request.extensions().get::<Identity>() {
        return Ok(Some(known.clone()));
    }
    let port = request.app_data::<IdentifyData>().ok_or_else(|| Problem::internal("no Identify is mounted"))?;
    let fresh = if request.method().is_safe() { Freshness::Cached } else { Freshness::Fresh };
    let found = port.identify(request, fresh).await?;
    if let Some(identity) = &found {
        request.extensions_mut().insert(identity.clone());
    }
    Ok(found)
}

/// The organization that the path or the query names; an id that cannot be one is an organization that does not exist.
pub(crate) fn asked_org(request: &HttpRequest) -> Result<Option<OrgId>, Problem> {
    let from_path = request.match_info().get("org_id").map(str::to_owned);
    let from_query = || {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?;
        pairs.into_inner().into_iter().find(|(name, _)| name == "org_id").map(|(_, value)| value)
    };
    match from_path.or_else(from_query) {
        Some(text) => text.parse().map(Some).or(Err(Problem::not_found())),
        None => Ok(None),
    }
}

pub(crate) fn data<T: 'static>(request: &HttpRequest) -> Result<web::Data<T>, Problem> {
    request.app_data::<web::Data<T>>().cloned().ok_or_else(|| Problem::internal(std::any::type_name::<T>()))
}

pub(crate) fn check_csrf(request: &HttpRequest, identity: &Identity) -> Result<(), Problem> {
    let Some(current) = identity.session.as_ref().filter(|_| !request.method().is_safe()) else { return Ok(()) };
    let site = data::<Site>(request)?;
    let mut sent = request.headers().get_all("X-CSRF-Token");
    let sent = sent.next().filter(|_| sent.next().is_none()).and_then(|value| value.to_str().ok());
    let meant = passes(evidence(request, sent.map(|token| current.token.csrf_matches(token))), &site.origins);
    if meant { Ok(()) } else { Err(Problem::csrf()) }
}

/// What the request's headers say about where it was made. A header that came twice is a header that says nothing good.
pub(crate) fn evidence(request: &HttpRequest, token_matches: Option<bool>) -> Evidence<'_> {
    let single = |name: &str| {
        let mut values = request.headers().get_all(name);
        match (values.next(), values.next()) {
            (None, _) => None,
            (Some(only), None) => Some(only.as_bytes()),
            (Some(_), Some(_)) => Some(&b""[..]),
        }
    };
    Evidence {
        fetch_site: single("Sec-Fetch-Site"),
        origin: single("Origin"),
        token_matches: token_matches.unwrap_or(false),
    }
}

/// Who acts, and from where, for the trail.
pub(crate) fn actor(request: &HttpRequest, identity: Option<&Identity>) -> Result<Actor, Problem> {
    let site = data::<Site>(request)?;
    let ip: Option<IpAddr> = site.client_ip(request);
    let agent = request.headers().get("User-Agent").and_then(|value| value.to_str().ok());
    let session = identity.and_then(|identity| identity.session.as_ref());
    Ok(Actor {
        kind: identity.map_or(ActorKind::Anonymous, |identity| ActorKind::User(identity.user)),
        ip,
        user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
        request_id: request.extensions().get::<RequestId>().map(|id| id.0.clone()),
        session: session.map(|current| current.token.hash().to_hex().chars().take(32).collect()),
    })
}
