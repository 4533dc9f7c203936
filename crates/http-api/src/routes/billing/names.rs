//! What people call the plans that are paid for.

use std::sync::Arc;

use plan_core::{Catalogue, PlanId};

/// The names of plans.
pub(in crate::routes) struct Names(Arc<Catalogue>);

impl Names {
    /// Those of this catalogue.
    pub(in crate::routes) const fn new(catalogue: Arc<Catalogue>) -> Self {
        Self(catalogue)
    }

    /// What people call this plan; one that is in the catalogue no more has its code.
    pub(in crate::routes) fn of(&self, plan: &str) -> String {
        let known = plan.parse::<PlanId>().ok().and_then(|id| self.0.plan(&id).map(|plan| plan.name.clone()));
        known.unwrap_or_else(|| plan.to_owned())
    }
}
