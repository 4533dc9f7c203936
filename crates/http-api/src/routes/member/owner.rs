use actix_web::HttpRequest;
use actix_web::dev::Payload;
use auth_core::Sessions;
use kernel::{Actor, Role};
use org_core::{Membership, OrgError, Orgs, Permission};

use crate::caller::{actor, asked_org, check_csrf, data, known, session_of};
use crate::endpoint::{Argument, Doc, Who};
use crate::identify::Identity;
use crate::problem::Problem;

/// An owner of the organization that the request is about, who signed in a moment ago.
pub(super) struct FreshOwner {
    /// Who, and from where.
    pub(super) actor: Actor,
    /// Who.
    pub(super) identity: Identity,
    /// The proof of membership.
    pub(super) membership: Membership,
}

impl Argument for FreshOwner {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let identity = known(request).await?;
        let org = asked_org(request)?.or(identity.org).ok_or_else(Problem::not_found)?;
        let membership = data::<Orgs>(request)?.membership(org, identity.user).await?;
        if membership.role() != Role::Owner {
            return Err(OrgError::OwnerOnly.into());
        }
        check_csrf(request, &identity)?;
        data::<Sessions>(request)?.require_fresh(&session_of(&identity)?.session)?;
        Ok(Self { actor: actor(request, Some(&identity))?, identity, membership })
    }

    fn describe(doc: &mut Doc) {
        // Of all roles only owners have this permission.
        doc.only(Who::Member(Permission::DeleteOrg.as_str()));
        doc.problem(401, "insufficient_user_authentication");
    }
}
