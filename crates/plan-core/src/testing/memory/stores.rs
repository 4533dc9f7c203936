use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Email, OrgId, Record, StoreError};

use super::{MemoryPlans, State};
use crate::{
    Catalogue, CatalogueStore, Check, Owned, Plan, PlanCreated, PlanId, PlanRetired, PlanUpdated, Source, Subscription,
    SubscriptionPut, SubscriptionStatus, SubscriptionStore,
};

impl State {
    /// Puts a plan into the catalogue, over the one of its name if there is one.
    fn put_plan(&mut self, plan: &Plan) {
        let now = self.plans();
        let mut plans: Vec<_> = now.plans().iter().filter(|other| other.id != plan.id).cloned().collect();
        plans.push(plan.clone());
        self.catalogue = Some(Arc::new(Catalogue::new(plans, now.services().to_vec())));
    }

    fn version(&self, org: OrgId) -> u32 {
        self.subscriptions.get(&org).map_or(0, |subscription| subscription.version)
    }
}

#[async_trait]
impl CatalogueStore for MemoryPlans {
    async fn read(&self) -> Result<Arc<Catalogue>, StoreError> {
        Ok(self.state(Check::Entitlement)?.plans())
    }

    async fn load(&self, catalogue: &Catalogue, record: &Record) -> Result<bool, StoreError> {
        let mut state = self.state(Check::Entitlement)?;
        if !state.plans().plans().is_empty() {
            return Ok(false);
        }
        self.trail.keep(record)?;
        state.catalogue = Some(Arc::new(catalogue.clone()));
        Ok(true)
    }

    async fn create(&self, plan: &Plan, record: &Record) -> Result<PlanCreated, StoreError> {
        let mut state = self.state(Check::Entitlement)?;
        if state.plans().plan(&plan.id).is_some() {
            return Ok(PlanCreated::Exists);
        }
        self.trail.keep(record)?;
        state.put_plan(plan);
        Ok(PlanCreated::Created)
    }

    async fn update(&self, plan: &Plan, record: &Record) -> Result<PlanUpdated, StoreError> {
        let mut state = self.state(Check::Entitlement)?;
        let Some(version) = state.plans().plan(&plan.id).map(|found| found.version) else {
            return Ok(PlanUpdated::NotFound);
        };
        if state.rival_wins() || version.checked_add(1) != Some(plan.version) {
            return Ok(PlanUpdated::VersionConflict);
        }
        self.trail.keep(record)?;
        state.put_plan(plan);
        Ok(PlanUpdated::Updated)
    }

    async fn retire(&self, plan: &PlanId, record: &Record) -> Result<PlanRetired, StoreError> {
        let mut state = self.state(Check::Entitlement)?;
        let Some(found) = state.plans().plan(plan).cloned() else { return Ok(PlanRetired::NotFound) };
        if !found.is_active {
            return Ok(PlanRetired::Retired);
        }
        let mut subscriptions = state.subscriptions.values();
        if subscriptions.any(|subscription| subscription.plan == *plan && state.org(subscription.org).is_some()) {
            return Ok(PlanRetired::InUse);
        }
        self.trail.keep(record)?;
        state.put_plan(&Plan { is_active: false, version: found.version.saturating_add(1), ..found });
        Ok(PlanRetired::Retired)
    }
}

#[async_trait]
impl SubscriptionStore for MemoryPlans {
    async fn of(&self, org: OrgId, default: &PlanId) -> Result<Option<Subscription>, StoreError> {
        let state = self.state(Check::Entitlement)?;
        let Some(found) = state.org(org) else { return Ok(None) };
        let never_moved = || Subscription {
            org,
            plan: default.clone(),
            status: SubscriptionStatus::Active,
            source: Source::Default,
            anchor: found.created_at,
            trial_ends_at: None,
            version: 0,
        };
        Ok(Some(state.subscriptions.get(&org).cloned().unwrap_or_else(never_moved)))
    }

    async fn put(&self, subscription: &Subscription, record: &Record) -> Result<SubscriptionPut, StoreError> {
        let mut state = self.state(Check::Entitlement)?;
        if state.org(subscription.org).is_none() {
            return Ok(SubscriptionPut::NotFound);
        }
        if state.rival_wins() || state.version(subscription.org).checked_add(1) != Some(subscription.version) {
            return Ok(SubscriptionPut::VersionConflict);
        }
        if !state.plans().plan(&subscription.plan).is_some_and(|plan| plan.is_active) {
            return Ok(SubscriptionPut::NoSuchPlan);
        }
        self.trail.keep(record)?;
        state.subscriptions.insert(subscription.org, subscription.clone());
        Ok(SubscriptionPut::Put)
    }

    async fn owned_by(&self, email: &Email) -> Result<Option<Owned>, StoreError> {
        let state = self.state(Check::Entitlement)?;
        let Some((user, address)) = state.accounts.iter().find(|(_, address)| *address == email) else {
            return Ok(None);
        };
        let mine = state.orgs.iter().filter(|(_, org)| org.owner == *user && !org.deleted && !org.suspended);
        let oldest = mine.min_by_key(|(id, org)| (org.created_at, **id));
        Ok(oldest.map(|(org, _)| Owned { user: *user, email: address.as_str().to_owned(), org: *org }))
    }
}
