use kernel::ServiceName;

use super::{
    plan::{Plan, PlanId},
    service::Service,
};

/// All plans and services, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    plans: Vec<Plan>,
    services: Vec<Service>,
}

impl Catalogue {
    /// Puts plans (by level, price and name) and services (by name) in their order.
    pub fn new(mut plans: Vec<Plan>, mut services: Vec<Service>) -> Self {
        plans.sort_by(|a, b| {
            (a.level, a.price.monthly_cents, a.id.as_str()).cmp(&(b.level, b.price.monthly_cents, b.id.as_str()))
        });
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Self { plans, services }
    }

    /// Every plan, the lowest first, retired ones included.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Every service, by name.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The plan of this name, retired ones included.
    pub fn plan(&self, id: &PlanId) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == *id)
    }

    /// The service of this name.
    pub fn service(&self, name: &ServiceName) -> Option<&Service> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// The active plans that open a service, the lowest first.
    pub fn opening(&self, name: &ServiceName) -> Vec<&Plan> {
        self.plans.iter().filter(|plan| plan.is_active && plan.opens(name)).collect()
    }

    /// The plan to recommend to somebody who needs a service: the lowest public active one that opens it and is no trial.
    pub fn required_for(&self, name: &ServiceName) -> Option<&Plan> {
        self.opening(name).into_iter().find(|plan| plan.is_public && plan.trial_days == 0)
    }
}
