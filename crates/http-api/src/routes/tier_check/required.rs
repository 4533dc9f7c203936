use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use auth_core::Users;
use kernel::PlatformRole;
use plan_core::{Access, Catalogue, Plan, PlanError, PlanId, Plans};

use super::dto::TIER;
use super::person::{Account, Person};
use crate::Raw;
use crate::caller::data;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;
use crate::routes::auth::visible;

/// The services that know who somebody is and which plan is theirs.
pub(super) struct Tiers {
    users: Data<Users>,
    access: Data<Access>,
    plans: Data<Plans>,
}

/// Somebody at the gate.
pub(super) struct Guest {
    account: Account,
    plan: Plan,
    catalogue: Arc<Catalogue>,
    upgrade_url: String,
}

impl Tiers {
    /// A person with the plan that counts for them. Whoever is in no organization has what every organization begins with.
    pub(super) async fn guest(&self, person: &Person) -> Result<Guest, Problem> {
        let account = match &person.account {
            Some(account) => account.clone(),
            None => Account::of(&self.users.get(person.user).await?),
        };
        let (plan, catalogue) = match person.org {
            Some(org) => match self.access.standing(org).await {
                Ok(standing) => (standing.plan, standing.catalogue),
                // Deleted a moment ago.
                Err(PlanError::NoSuchOrg) => return Err(Problem::outside()),
                Err(failure) => return Err(failure.into()),
            },
            None => self.beginning().await?,
        };
        Ok(Guest { account, plan, catalogue, upgrade_url: self.access.upgrade_url().to_owned() })
    }

    async fn beginning(&self) -> Result<(Plan, Arc<Catalogue>), Problem> {
        let catalogue = self.plans.catalogue().await?;
        let default = self.plans.default_plan();
        let plan = catalogue.plan(default).cloned();
        let plan = plan.ok_or_else(|| Problem::internal(format!("the catalogue lacks the default plan {default}")))?;
        Ok((plan, catalogue))
    }
}

impl Argument for Tiers {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self { users: data(request)?, access: data(request)?, plans: data(request)? })
    }
    fn describe(_: &mut Doc) {}
}

/// The lowest plan that can be chosen and comes with provider keys of one's own.
pub(in crate::routes) fn lowest_with_own_keys(catalogue: &Catalogue) -> Option<&Plan> {
    let fit = |plan: &&Plan| plan.is_active && plan.is_public && plan.trial_days == 0 && plan.allowances.byok;
    catalogue.plans().iter().find(fit)
}

/// What is asked of a guest.
pub(super) struct Required {
    /// The name of the plan, or `admin`; empty when no plan of the catalogue would do.
    tier: String,
    met: bool,
    /// Whether another plan would help.
    by_plan: bool,
}

impl Required {
    /// This plan, or another one of its level or above.
    pub(super) fn plan(guest: &Guest, asked: &PlanId) -> Result<Self, Problem> {
        let unknown = || Problem::invalid_field(TIER, "there is no such plan in the catalogue");
        Ok(Self::level_of(guest, guest.catalogue.plan(asked).ok_or_else(unknown)?))
    }

    /// A plan of the level of the lowest one that costs something, or above.
    pub(super) fn paid_plan(guest: &Guest) -> Self {
        let lowest = guest.catalogue.plans().iter().find(|plan| plan.is_active && !plan.is_free());
        lowest.map_or_else(Self::impossible, |plan| Self::level_of(guest, plan))
    }

    /// A plan that comes with provider keys of one's own.
    pub(super) fn own_keys(guest: &Guest) -> Self {
        let lowest = lowest_with_own_keys(&guest.catalogue);
        let required = lowest.map_or_else(Self::impossible, |plan| Self::level_of(guest, plan));
        Self { met: guest.plan.allowances.byok, ..required }
    }

    /// Somebody who operates the platform; no plan stands in for that.
    pub(super) fn platform_admin(guest: &Guest) -> Self {
        Self { tier: "admin".to_owned(), met: guest.account.role == PlatformRole::Admin, by_plan: false }
    }

    fn level_of(guest: &Guest, plan: &Plan) -> Self {
        Self { tier: plan.id.to_string(), met: guest.plan.level >= plan.level, by_plan: true }
    }

    const fn impossible() -> Self {
        Self { tier: String::new(), met: false, by_plan: false }
    }
}

impl Guest {
    /// Lets them through, or not. Every header is there always: a proxy that replaces what it is given lets nobody bring their own.
    pub(super) fn pass(&self, required: &Required) -> Result<Raw, Problem> {
        if !required.met {
            return Err(self.refusal(required));
        }
        let mut answer = HttpResponse::Ok();
        answer.insert_header(("X-User-Email", visible(&self.account.email)));
        answer.insert_header(("X-User-Tier", visible(self.plan.id.as_str())));
        answer.insert_header(("X-Tier-Required", visible(&required.tier)));
        Ok(Raw(answer.finish()))
    }

    fn refusal(&self, required: &Required) -> Problem {
        let (own, other) = (self.plan.id.as_str(), required.tier.as_str());
        let detail = match (required.by_plan, other) {
            (true, _) => format!("this needs the plan {other} or a higher one; yours is {own}"),
            (false, "") => format!("no plan that can be chosen opens this; yours is {own}"),
            (false, _) => "this needs a platform administrator".to_owned(),
        };
        let problem = Problem::new(StatusCode::FORBIDDEN, "insufficient_tier", detail)
            .with("current_tier", own)
            .with("required_tier", other);
        if required.by_plan { problem.with("upgrade_url", self.upgrade_url.as_str()) } else { problem }
    }
}
