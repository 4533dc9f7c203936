//! Who somebody is, gathered from the features that each know a part of it.

use account_core::{AvatarName, DisplayName, Profile, Profiles};
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::web::Data;
use auth_core::{User, Users};
use kernel::{OrgId, Role, UserId};
use org_core::{Entitlement, OrgError, Orgs};
use plan_core::Plans;

use super::dto::session::SessionUser;
use crate::caller::data;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// The services that know a part of an account.
pub(crate) struct Accounts {
    users: Data<Users>,
    profiles: Data<Profiles>,
    orgs: Data<Orgs>,
    plans: Data<Plans>,
}

/// An account, as its owner sees it.
pub(crate) struct Account {
    /// The identity.
    pub(crate) user: User,
    /// What they tell of themselves.
    pub(crate) profile: Profile,
    /// Where they act, if anywhere.
    pub(crate) place: Option<Place>,
    /// The plan that they act under; of whoever acts in no organization the one that every organization begins with.
    pub(crate) tier: String,
}

/// The organization that somebody acts in.
pub(crate) struct Place {
    /// Which.
    pub(crate) org: OrgId,
    /// Its name.
    pub(crate) name: String,
    /// Their role in it.
    pub(crate) role: Role,
    /// What its plan gives.
    pub(crate) plan: Entitlement,
}

impl Accounts {
    /// Somebody's account, with the organization that they act in.
    pub(crate) async fn of(&self, user: UserId, org: Option<OrgId>) -> Result<Account, Problem> {
        let profile = self.profiles.get(user).await?;
        let place = match org {
            Some(org) => self.place(org, user).await?,
            None => None,
        };
        let tier = place.as_ref().map_or_else(|| self.plans.default_plan().to_string(), |at| at.plan.tier.clone());
        Ok(Account { user: self.users.get(user).await?, profile, place, tier })
    }

    /// The same, in the form in which a session tells it.
    pub(crate) async fn session_user(&self, user: UserId, org: Option<OrgId>) -> Result<SessionUser, Problem> {
        let choices = self.profiles.notifications(user).await?;
        Ok(SessionUser::new(self.of(user, org).await?, choices))
    }

    async fn place(&self, org: OrgId, user: UserId) -> Result<Option<Place>, Problem> {
        let membership = match self.orgs.membership(org, user).await {
            Ok(membership) => membership,
            // They left it, or it was suspended, a moment ago.
            Err(OrgError::OrgNotFound) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let name = self.orgs.get(&membership).await?.name.as_str().to_owned();
        let plan = self.orgs.plan_of(org).await?;
        Ok(Some(Place { org, name, role: membership.role(), plan }))
    }
}

impl Account {
    /// What to call them.
    pub(crate) fn name(&self) -> String {
        let shown = self.profile.display_name.as_ref().map(DisplayName::as_str);
        shown.unwrap_or(self.user.username.as_str()).to_owned()
    }

    /// The path of their picture.
    pub(crate) fn picture(&self) -> Option<String> {
        self.profile.avatar.as_ref().map(picture_path)
    }
}

/// Where a picture is served.
pub(crate) fn picture_path(name: &AvatarName) -> String {
    format!("/avatars/{}", name.webp())
}

impl Argument for Accounts {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self { users: data(request)?, profiles: data(request)?, orgs: data(request)?, plans: data(request)? })
    }
    fn describe(_: &mut Doc) {}
}
