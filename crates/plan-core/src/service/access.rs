use std::sync::Arc;

use kernel::{Ambient, OrgId, Period, ServiceName, StoreError, Timestamp};

use crate::{
    Allowances, Catalogue, CatalogueStore, Plan, PlanError, PlanId, Subscription, SubscriptionStatus,
    SubscriptionStore,
    policy::{Gate, effective, gate},
};

/// What an organization has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it subscribed to; its plan may be another one than the plan that counts.
    pub subscription: Subscription,
    /// Its status now: a trial that is over has ended.
    pub status: SubscriptionStatus,
    /// The plan that counts.
    pub plan: Plan,
    /// The month of the subscription that runs now.
    pub period: Period,
    /// All plans and services of the same moment.
    pub catalogue: Arc<Catalogue>,
}

impl Standing {
    /// Whether the plan that counts opens a service, and which one to recommend if not. One that the catalogue lacks is
    /// [`PlanError::UnknownService`].
    pub fn gate(&self, service: &ServiceName) -> Result<Gate<'_>, PlanError> {
        self.catalogue.service(service).ok_or(PlanError::UnknownService)?;
        Ok(gate(&self.plan, &self.catalogue, service))
    }
}

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
    catalogue: Arc<dyn CatalogueStore>,
    subscriptions: Arc<dyn SubscriptionStore>,
    default: PlanId,
    upgrade_url: String,
    ambient: Ambient,
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
        Self { catalogue, subscriptions, default, upgrade_url, ambient }
    }

    /// The page where people choose another plan.
    pub fn upgrade_url(&self) -> &str {
        &self.upgrade_url
    }

    /// What an organization has: subscription, plan that counts, running month.
    pub async fn standing(&self, org: OrgId) -> Result<Standing, PlanError> {
        let now = self.ambient.now();
        let (subscription, catalogue) = self.read(org).await?;
        let plan = self.plan(&subscription, &catalogue, now)?.clone();
        let (status, period) = (subscription.status_at(now), subscription.month(now));
        Ok(Standing { subscription, status, plan, period, catalogue })
    }

    /// The plan that every organization begins with: what one that is deleted is shown with.
    pub async fn default_plan(&self) -> Result<Plan, PlanError> {
        let catalogue = self.catalogue.read().await?;
        catalogue.plan(&self.default).cloned().ok_or_else(|| no_default(&self.default))
    }

    /// What the plan that counts gives, without the rest: for every request.
    pub async fn allowances(&self, org: OrgId) -> Result<Allowances, PlanError> {
        let (subscription, catalogue) = self.read(org).await?;
        Ok(self.plan(&subscription, &catalogue, self.ambient.now())?.allowances.clone())
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

    async fn read(&self, org: OrgId) -> Result<(Subscription, Arc<Catalogue>), PlanError> {
        let subscription = self.subscriptions.of(org, &self.default).await?.ok_or(PlanError::NoSuchOrg)?;
        Ok((subscription, self.catalogue.read().await?))
    }

    fn plan<'a>(
        &self,
        subscription: &Subscription,
        catalogue: &'a Catalogue,
        now: Timestamp,
    ) -> Result<&'a Plan, PlanError> {
        effective(subscription, catalogue, &self.default, now).ok_or_else(|| no_default(&self.default))
    }
}

/// The catalogue lacks the plan that every organization begins with: nothing can be decided until it is there.
pub(super) fn no_default(default: &PlanId) -> PlanError {
    StoreError::broken(format!("the catalogue lacks the default plan {default}")).into()
}
