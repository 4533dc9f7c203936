//! A session goes on under a new token when its own user changes where or as what they act.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::web::Data;
use auth_core::Sessions;
use kernel::OrgId;

use crate::caller::{Caller, data};
use crate::cookie;
use crate::endpoint::{Argument, Doc};
use crate::identify::Identity;
use crate::problem::Problem;
use crate::site::Site;

/// Renews the caller's session.
pub(in crate::routes) struct Renewal {
    sessions: Data<Sessions>,
    site: Data<Site>,
}

impl Renewal {
    /// After the caller changed their own part in an organization. The session stays in it, or in none when they have no part left;
    /// one that is in another organization is not concerned.
    pub(in crate::routes) async fn follow(
        &self,
        who: &Identity,
        org: OrgId,
    ) -> Result<Option<Cookie<'static>>, Problem> {
        let Some(current) = who.session.as_ref().filter(|current| current.session.org == Some(org)) else {
            return Ok(None);
        };
        let renewed = self.sessions.follow_own_change(&current.token, &current.session).await?;
        Ok(Some(cookie::session(&self.site, &renewed.token, &renewed.session)))
    }

    /// Into another organization of the caller.
    pub(super) async fn enter(&self, caller: &Caller, org: OrgId) -> Result<Cookie<'static>, Problem> {
        let current = caller.session()?;
        let renewed = self.sessions.enter(&caller.actor, &current.token, &current.session, org).await?;
        Ok(cookie::session(&self.site, &renewed.token, &renewed.session))
    }
}

impl Argument for Renewal {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self { sessions: data(request)?, site: data(request)? })
    }

    fn describe(_: &mut Doc) {}
}
