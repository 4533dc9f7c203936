//! Where an organization and a user of it stand.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::web::Data;
use billing_core::{Account, Billing};
use kernel::{OrgId, Page, UserId};
use org_core::{OrgStatus, Orgs};
use plan_core::{Access, Standing};
use usage_core::{Tally, Usage};

use crate::caller::data;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// The services that each know a part of it.
pub(super) struct Desk {
    access: Data<Access>,
    usage: Data<Usage>,
    billing: Data<Billing>,
}

/// What they know.
pub(super) struct Found {
    /// Subscription and plan.
    pub(super) standing: Standing,
    /// What was used.
    pub(super) tally: Tally,
    /// What is paid.
    pub(super) account: Account,
}

impl Desk {
    /// Looks up an organization and a user of it.
    pub(super) async fn look(&self, org: OrgId, user: UserId) -> Result<Found, Problem> {
        let standing = self.access.standing(org).await?;
        let tally = self.usage.tally(org, Some(user)).await?;
        let account = self.billing.status(org).await?.account;
        Ok(Found { standing, tally, account })
    }
}

impl Argument for Desk {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self { access: data(request)?, usage: data(request)?, billing: data(request)? })
    }
    fn describe(_: &mut Doc) {}
}

/// The active organization that a user joined first.
pub(super) async fn home(orgs: &Orgs, user: UserId) -> Result<OrgId, Problem> {
    let joined = orgs.joined(user, Page::default()).await?;
    let active = joined.items.into_iter().find(|row| row.status == OrgStatus::Active);
    active.map(|row| row.org).ok_or_else(Problem::not_found)
}
