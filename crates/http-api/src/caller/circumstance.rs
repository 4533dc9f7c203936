//! What a request says of who made it, and from where.

use std::net::IpAddr;

use actix_web::{HttpMessage, HttpRequest, web};
use auth_core::Freshness;
use auth_core::policy::csrf::{Evidence, passes};
use auth_core::policy::device::MAX_USER_AGENT;
use kernel::{Actor, ActorKind, OrgId};

use crate::identify::{Credential, IdentifyData, Identity};
use crate::middleware::request_id::RequestId;
use crate::problem::Problem;
use crate::site::Site;

/// Somebody who is signed in. A stranger is asked to sign in; a service is told that its key does not do.
pub(crate) async fn known(request: &HttpRequest) -> Result<Identity, Problem> {
    match credential(request).await? {
        Some(Credential::Session(identity)) => Ok(identity),
        Some(Credential::Key(_)) => Err(Problem::session_required()),
        None => Err(Problem::unauthenticated()),
    }
}

/// Who is signed in, if somebody is.
pub(crate) async fn identify(request: &HttpRequest) -> Result<Option<Identity>, Problem> {
    Ok(match credential(request).await? {
        Some(Credential::Session(identity)) => Some(identity),
        Some(Credential::Key(_)) | None => None,
    })
}

/// What the request proves who it is from with; asked once per request. An API key comes before a session.
pub(crate) async fn credential(request: &HttpRequest) -> Result<Option<Credential>, Problem> {
    if let Some(known) = request.extensions().get::<Credential>() {
        return Ok(Some(known.clone()));
    }
    let port = request.app_data::<IdentifyData>().ok_or_else(|| Problem::internal("no Identify is mounted"))?;
    let fresh = if request.method().is_safe() { Freshness::Cached } else { Freshness::Fresh };
    let found = match port.service(request).await? {
        Some(key) => Some(Credential::Key(key)),
        None => port.identify(request, fresh).await?.map(Credential::Session),
    };
    if let Some(credential) = &found {
        request.extensions_mut().insert(credential.clone());
    }
    if let Some(Credential::Session(identity)) = &found {
        request.extensions_mut().insert(identity.clone());
    }
    Ok(found)
}

/// The organization that a request turned out to be about: its caller may act there.
#[derive(Debug, Clone, Copy)]
struct Settled(OrgId);

/// Notes that its caller may act in this organization, and does.
pub(crate) fn settle(request: &HttpRequest, org: OrgId) {
    request.extensions_mut().insert(Settled(org));
}

/// The organization that the request is about, once its caller is known; nothing that is only named is believed.
pub(crate) fn settled(request: &HttpRequest) -> Option<OrgId> {
    let known = request.extensions();
    let own = || match known.get::<Credential>()? {
        Credential::Session(identity) => identity.org,
        Credential::Key(key) => Some(key.org),
    };
    known.get::<Settled>().map(|settled| settled.0).or_else(own)
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
