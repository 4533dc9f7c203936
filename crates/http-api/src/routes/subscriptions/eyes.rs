//! Which plans somebody sees.

use std::sync::Arc;

use kernel::OrgId;
use plan_core::{Access, Catalogue, Plan, PlanError, PlanId, Plans};

use crate::problem::Problem;
use crate::public::Audience;

/// The catalogue, as somebody sees it: the public plans that can be chosen, and their own. Platform administrators see all.
pub(in crate::routes) struct Eyes {
    /// All of it.
    pub(in crate::routes) catalogue: Arc<Catalogue>,
    /// The plan that counts for them, if they act in an organization.
    pub(in crate::routes) own: Option<Plan>,
    administers: bool,
}

impl Eyes {
    /// The eyes of this audience.
    pub(in crate::routes) async fn of(by: &Audience, plans: &Plans, access: &Access) -> Result<Self, Problem> {
        let own = match by.org {
            Some(org) => own(access, org).await?,
            None => None,
        };
        Ok(Self { catalogue: plans.catalogue().await?, own, administers: by.administers })
    }

    /// Whether they see this plan.
    pub(in crate::routes) fn see(&self, plan: &Plan) -> bool {
        let open = plan.is_public && plan.is_active;
        open || self.administers || self.own.as_ref().is_some_and(|own| own.id == plan.id)
    }

    /// Every plan that they see, the lowest first.
    pub(in crate::routes) fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.catalogue.plans().iter().filter(|plan| self.see(plan))
    }

    /// A plan; one that they do not see is one that does not exist.
    pub(in crate::routes) fn plan(&self, id: &PlanId) -> Result<&Plan, Problem> {
        self.catalogue.plan(id).filter(|plan| self.see(plan)).ok_or_else(Problem::not_found)
    }
}

async fn own(access: &Access, org: OrgId) -> Result<Option<Plan>, Problem> {
    match access.standing(org).await {
        Ok(standing) => Ok(Some(standing.plan)),
        // Deleted a moment ago.
        Err(PlanError::NoSuchOrg) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
