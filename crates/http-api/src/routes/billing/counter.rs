//! Where plans are bought, changed and given up, under whichever path somebody comes.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::web::Data;
use billing_core::{Account, Billing};
use kernel::Ambient;
use plan_core::Plans;

use super::dto::change::Asked;
use super::dto::outcome::{Outcome, PlanChanged};
use super::home::Home;
use super::names::Names;
use crate::caller::{ManageBilling, Member, data};
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// The services that each know a part of it.
pub(in crate::routes) struct Counter {
    billing: Data<Billing>,
    plans: Data<Plans>,
    ambient: Data<Ambient>,
    home: Home,
}

impl Counter {
    /// Another plan, or the same one paid another way.
    pub(in crate::routes) async fn change(
        &self,
        by: &Member<ManageBilling>,
        asked: Asked,
    ) -> Result<PlanChanged, Problem> {
        let (org, names) = (by.membership.org(), self.names().await?);
        let running = self.billing.status(org).await?.account.live().map(|live| live.cycle);
        let request = asked.request(running, &self.home);
        let changed = self.billing.change(&by.actor, org, &request).await.map_err(Problem::not_charged)?;
        Ok(Outcome { names: &names, now: self.ambient.now() }.told(changed))
    }

    /// No plan any more, with the end of its period or now. Where a subscription is named, only that one.
    pub(in crate::routes) async fn cancel(
        &self,
        by: &Member<ManageBilling>,
        which: Option<&str>,
        at_period_end: bool,
    ) -> Result<PlanChanged, Problem> {
        let (org, names) = (by.membership.org(), self.names().await?);
        if let Some(which) = which {
            let status = self.billing.status(org).await?;
            known_as(&status.account, which).then_some(()).ok_or_else(Problem::not_found)?;
        }
        let changed = self.billing.cancel(&by.actor, org, at_period_end).await.map_err(Problem::not_charged)?;
        Ok(Outcome { names: &names, now: self.ambient.now() }.told(changed))
    }

    /// Read before anything happens: afterwards nothing may fail any more.
    async fn names(&self) -> Result<Names, Problem> {
        Ok(Names::new(self.plans.catalogue().await?))
    }
}

/// Whether this names what the account pays for, here or at its provider.
fn known_as(account: &Account, name: &str) -> bool {
    account.live().is_some_and(|live| live.id.to_string() == name || live.external.as_deref() == Some(name))
}

impl Argument for Counter {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let home = Home::take(request, payload).await?;
        Ok(Self { billing: data(request)?, plans: data(request)?, ambient: data(request)?, home })
    }
    fn describe(_: &mut Doc) {}
}
