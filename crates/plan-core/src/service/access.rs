use std::sync::Arc;

use kernel::{Ambient, OrgId, ServiceName};

use super::standing::{Standing, Standings};
use crate::{Allowances, CatalogueStore, Plan, PlanError, PlanId, SubscriptionStore, policy::Gate};

/// Whether an organization may use a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceAccess {
    /// It may.
    Granted {
        /// The plan that opens it.
        current: Plan,
    },
    /// Its plan does not open the service.
    UpgradeRequired {
        /// The plan that counts.
        current: Plan,
        /// The lowest plan that would; `None` when none that can be chosen does.
        required: Option<Box<Plan>>,
        /// Where to get another plan.
        upgrade_url: String,
    },
}

/// What organizations may do.
#[derive(Clone)]
pub struct Access {
    standings: Standings,
    upgrade_url: String,
}

impl Access {
    /// The use cases over these stores. `default` is the plan that every organization begins with, `upgrade_url` the page where
    /// people choose another.
    pub fn new(
        catalogue: Arc<dyn CatalogueStore>,
        subscriptions: Arc<dyn SubscriptionStore>,
        default: PlanId,
        upgrade_url: String,
        ambient: Ambient,
    ) -> Self {
        Self { standings: Standings { catalogue, subscriptions, default, ambient }, upgrade_url }
    }

    /// The page where people choose another plan.
    pub fn upgrade_url(&self) -> &str {
        &self.upgrade_url
    }

    /// What an organization has: subscription, plan that counts, running month.
    pub async fn standing(&self, org: OrgId) -> Result<Standing, PlanError> {
        self.standings.of(org).await
    }

    /// The plan that every organization begins with: what one that is deleted is shown with.
    pub async fn default_plan(&self) -> Result<Plan, PlanError> {
        self.standings.default_plan().await
    }

    /// What the plan that counts gives, without the rest: for every request.
    pub async fn allowances(&self, org: OrgId) -> Result<Allowances, PlanError> {
        self.standings.allowances(org).await
    }

    /// Whether an organization may use a service.
    pub async fn check(&self, org: OrgId, service: &ServiceName) -> Result<ServiceAccess, PlanError> {
        let standing = self.standing(org).await?;
        let required = match standing.gate(service)? {
            Gate::Granted => return Ok(ServiceAccess::Granted { current: standing.plan }),
            Gate::UpgradeRequired(required) => required.cloned().map(Box::new),
        };
        let upgrade_url = self.upgrade_url.clone();
        Ok(ServiceAccess::UpgradeRequired { current: standing.plan, required, upgrade_url })
    }
}
