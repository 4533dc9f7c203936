use async_trait::async_trait;
use byok_core::{ByokError, Entitlement, Resolution, Upgrade};
use kernel::{OrgId, ServiceName, StoreError};
use plan_core::{Access, OwnKeys, Pays, Plan, PlanError};

use super::plan_fault;

/// What decisions ask about provider keys, answered by those that organizations keep.
pub(crate) struct KeysThatPay(pub(crate) Resolution);

#[async_trait]
impl OwnKeys for KeysThatPay {
    async fn pays(&self, org: OrgId, service: &ServiceName) -> Result<Pays, StoreError> {
        match self.0.pays(org, service).await {
            Ok(true) => Ok(Pays::Byok),
            Ok(false) => Ok(Pays::Platform),
            Err(ByokError::Store(error)) => Err(error),
            Err(other) => Err(StoreError::broken(other)),
        }
    }
}

/// What provider keys ask about plans.
pub(crate) struct PlanGivesKeys {
    pub(crate) access: Access,
}

#[async_trait]
impl Entitlement for PlanGivesKeys {
    async fn byok(&self, org: OrgId) -> Result<Result<String, Upgrade>, StoreError> {
        let url = self.access.upgrade_url().to_owned();
        let standing = match self.access.standing(org).await {
            Ok(standing) => standing,
            // Of one that is deleted, or was never there, no key is handed out, whatever the plan that it would be on.
            Err(PlanError::NoSuchOrg) => {
                let plan = self.access.default_plan().await.map_err(plan_fault)?.id.to_string();
                return Ok(Err(Upgrade { plan, required: None, url }));
            }
            Err(error) => return Err(plan_fault(error)),
        };
        let plan = standing.plan.id.to_string();
        if standing.plan.allowances.byok {
            return Ok(Ok(plan));
        }
        let gives = |plan: &&Plan| plan.is_active && plan.is_public && plan.trial_days == 0 && plan.allowances.byok;
        let required = standing.catalogue.plans().iter().find(gives).map(|plan| plan.id.to_string());
        Ok(Err(Upgrade { plan, required, url }))
    }
}
