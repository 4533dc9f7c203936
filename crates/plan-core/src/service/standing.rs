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
    /// [`PlanError::UnknownService`]. The one gate: decisions and every route that names a service ask here.
    pub fn gate(&self, service: &ServiceName) -> Result<Gate<'_>, PlanError> {
        self.catalogue.service(service).ok_or(PlanError::UnknownService)?;
        Ok(gate(&self.plan, &self.catalogue, service))
    }
}

/// Finds out what organizations have: for [`Access`](crate::Access) and [`Decision`](crate::Decision) alike, so that no two of
/// their answers can differ.
#[derive(Clone)]
pub(super) struct Standings {
    pub(super) catalogue: Arc<dyn CatalogueStore>,
    pub(super) subscriptions: Arc<dyn SubscriptionStore>,
    /// The plan that every organization begins with.
    pub(super) default: PlanId,
    pub(super) ambient: Ambient,
}

impl Standings {
    /// Subscription, plan that counts, running month.
    pub(super) async fn of(&self, org: OrgId) -> Result<Standing, PlanError> {
        let now = self.ambient.now();
        let (subscription, catalogue) = self.read(org).await?;
        let plan = self.plan(&subscription, &catalogue, now)?.clone();
        let (status, period) = (subscription.status_at(now), subscription.month(now));
        Ok(Standing { subscription, status, plan, period, catalogue })
    }

    /// What the plan that counts gives, without the rest.
    pub(super) async fn allowances(&self, org: OrgId) -> Result<Allowances, PlanError> {
        let (subscription, catalogue) = self.read(org).await?;
        Ok(self.plan(&subscription, &catalogue, self.ambient.now())?.allowances.clone())
    }

    /// The plan that every organization begins with.
    pub(super) async fn default_plan(&self) -> Result<Plan, PlanError> {
        let catalogue = self.catalogue.read().await?;
        catalogue.plan(&self.default).cloned().ok_or_else(|| self.no_default())
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
        effective(subscription, catalogue, &self.default, now).ok_or_else(|| self.no_default())
    }

    /// The catalogue lacks the plan that every organization begins with: nothing can be decided until it is there.
    fn no_default(&self) -> PlanError {
        StoreError::broken(format!("the catalogue lacks the default plan {}", self.default)).into()
    }
}
