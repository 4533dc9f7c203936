//! One installation in memory with the sample catalogue, whose clock is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Actor, Ambient, OrgId, ServiceName, Timestamp, UserId};
use plan_core::testing::{MemoryPlans, Population, sample_catalogue};
use plan_core::{
    Access, Call, Decision, DecisionPorts, GrantRequest, Grants, OutagePolicy, PlanId, Plans, Subscription,
    SubscriptionStatus, SubscriptionStore,
};

pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const UPGRADE_URL: &str = "https://ops.example.com/upgrade";

pub(crate) struct World {
    pub(crate) memory: Arc<MemoryPlans>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ambient: Ambient,
    pub(crate) plans: Plans,
    pub(crate) access: Access,
    pub(crate) grants: Grants,
    pub(crate) decision: Decision,
    pub(crate) admin: Actor,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, OutagePolicy::default())
    }

    pub(crate) fn with(seed: u64, outages: OutagePolicy) -> Self {
        let (clock, ambient) = manual_ambient(seed);
        let memory = Arc::new(MemoryPlans::with(sample_catalogue()));
        let ports = DecisionPorts {
            catalogue: memory.clone(),
            subscriptions: memory.clone(),
            quotas: memory.clone(),
            rates: memory.clone(),
            keys: memory.clone(),
        };
        Self {
            plans: Plans::new(memory.clone(), id("free"), ambient.clone()),
            access: Access::new(memory.clone(), memory.clone(), id("free"), UPGRADE_URL.into(), ambient.clone()),
            grants: Grants::new(memory.clone(), memory.clone(), id("free"), ambient.clone()),
            decision: Decision::new(ports, id("free"), outages, ambient.clone()),
            admin: Actor::user(UserId::mint(&ambient)),
            memory,
            clock,
            ambient,
        }
    }

    /// An organization that its owner, `NAME@example.com`, made now.
    pub(crate) async fn org(&self, name: &str) -> OrgId {
        let owner = self.memory.user(&format!("{name}@example.com")).await;
        self.memory.org(owner, self.ambient.now()).await
    }

    /// An organization on a plan.
    pub(crate) async fn on(&self, plan: &str) -> OrgId {
        let org = self.org(plan).await;
        self.grant(plan, Some(plan), None).await.unwrap();
        org
    }

    pub(crate) async fn grant(
        &self,
        name: &str,
        plan: Option<&str>,
        status: Option<SubscriptionStatus>,
    ) -> Result<Subscription, plan_core::PlanError> {
        let request = GrantRequest { plan: plan.map(id), status, notes: None };
        let email = format!("{name}@example.com").parse().unwrap();
        self.grants.change(&self.admin, &email, &request).await.map(|(_, subscription)| subscription)
    }

    pub(crate) async fn of(&self, org: OrgId) -> Subscription {
        self.memory.of(org, &id("free")).await.unwrap().unwrap()
    }

    pub(crate) fn call(&self, org: OrgId, service: &str, quantity: u64) -> Call {
        let user = Some(UserId::mint(&self.ambient));
        Call { org, user, service: name(service), quantity, reserve: None }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ambient.now()
    }
}

pub(crate) fn id(text: &str) -> PlanId {
    text.parse().unwrap()
}

pub(crate) fn name(text: &str) -> ServiceName {
    text.parse().unwrap()
}
