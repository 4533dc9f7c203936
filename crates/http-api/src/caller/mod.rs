//! The callers that a handler can ask for. A handler that takes one cannot be reached by anybody else, and its unsafe requests have
//! passed the CSRF policy.

mod circumstance;
mod subject;

use std::marker::PhantomData;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use auth_core::policy::csrf::may_sign_in;
use kernel::{Actor, ActorKind, PlatformRole, UserId};
use org_core::{Membership, Orgs, Permission};
use utoipa::openapi::path::ParameterIn;

pub(crate) use self::circumstance::{
    actor, asked_org, check_csrf, credential, data, evidence, identify, known, settle, settled,
};
pub(crate) use self::subject::ON_BEHALF_OF;
pub use self::subject::{
    AdminRead, ByokResolve, Claim, EntitlementsRead, NeedsScope, Service, Subject, UsageWrite, Via,
};
use crate::endpoint::{Argument, Doc, Who};
use crate::identify::{Credential, CurrentSession, Identity};
use crate::problem::Problem;
use crate::site::Site;

/// Somebody, signed in or not.
pub struct Visitor {
    /// From where.
    pub actor: Actor,
    /// Who, if somebody is signed in: a service with an API key is not.
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
needs!(ViewAll, ManageMembers, ManageBilling, ManageSettings, ManageKeys, DeleteOrg);

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
        let (kind, identity) = match credential(request).await? {
            Some(Credential::Session(identity)) => (ActorKind::User(identity.user), Some(identity)),
            Some(Credential::Key(key)) => (ActorKind::Service(key.id), None),
            None => (ActorKind::Anonymous, None),
        };
        Ok(Self { actor: Actor { kind, ..actor(request, identity.as_ref())? }, identity })
    }
    fn describe(doc: &mut Doc) {
        doc.problem(401, "invalid_api_key");
        doc.problem(429, "rate_limited");
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
        settle(request, org);
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

#[cfg(test)]
mod tests;
