//! The callers and places that only these operations ask for.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use auth_core::Sessions;
use kernel::{Actor, OrgId, PlatformRole};
use org_core::{Membership, OrgError, Orgs, Permission};

use crate::caller::{Caller, Member, ViewAll, actor, asked_org, check_csrf, data, known, session_of};
use crate::endpoint::{Argument, Doc, Who};
use crate::identify::Identity;
use crate::problem::Problem;

/// Somebody who may end an organization, and who signed in a moment ago: an owner, or a platform admin.
pub(super) struct Ender {
    /// Who, and from where.
    pub(super) actor: Actor,
    /// Who.
    pub(super) identity: Identity,
    /// Which organization.
    pub(super) org: OrgId,
    /// The proof that they own it; `None` for a platform admin who does not.
    pub(super) membership: Option<Membership>,
}

/// Whoever is signed in; when the request names an organization, only its members.
pub(super) struct Reader;

/// The organization that the path names, whoever asks.
pub(super) struct NamedOrg(pub(super) OrgId);

impl Argument for Ender {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let identity = known(request).await?;
        let org = asked_org(request)?.ok_or_else(Problem::not_found)?;
        let admin = identity.role == PlatformRole::Admin;
        let membership = match data::<Orgs>(request)?.membership(org, identity.user).await {
            Ok(membership) => Some(membership),
            Err(OrgError::OrgNotFound) if admin => None,
            Err(error) => return Err(error.into()),
        };
        let owned = membership.filter(|membership| membership.require(Permission::DeleteOrg).is_ok());
        if owned.is_none() && !admin {
            return Err(OrgError::Forbidden(Permission::DeleteOrg).into());
        }
        check_csrf(request, &identity)?;
        data::<Sessions>(request)?.require_fresh(&session_of(&identity)?.session)?;
        Ok(Self { actor: actor(request, Some(&identity))?, identity, org, membership: owned })
    }

    fn describe(doc: &mut Doc) {
        doc.only(Who::Member(Permission::DeleteOrg.as_str()));
        doc.problem(401, "insufficient_user_authentication");
    }
}

impl Argument for Reader {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        known(request).await?;
        if asked_org(request)?.is_some() {
            Member::<ViewAll>::take(request, payload).await?;
        }
        Ok(Self)
    }

    fn describe(doc: &mut Doc) {
        Caller::describe(doc);
        doc.problem(404, "not_found");
    }
}

impl Argument for NamedOrg {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        asked_org(request)?.map(Self).ok_or_else(Problem::not_found)
    }

    fn describe(doc: &mut Doc) {
        doc.problem(404, "not_found");
    }
}
