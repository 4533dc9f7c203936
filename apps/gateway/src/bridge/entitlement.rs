use async_trait::async_trait;
use kernel::{Limit, OrgId, StoreError};
use org_core::{Entitlement, Entitlements};
use plan_core::Access;
use usage_core::Usage;

use super::{plan_fault, usage_fault};

/// What organizations ask about plans and usage.
pub(crate) struct PlanEntitlements {
    pub(crate) access: Access,
    pub(crate) usage: Usage,
}

#[async_trait]
impl Entitlements for PlanEntitlements {
    async fn of(&self, org: OrgId) -> Result<Entitlement, StoreError> {
        let standing = self.access.standing(org).await.map_err(plan_fault)?;
        let tally = self.usage.tally(org, None).await.map_err(usage_fault)?;
        let plan = standing.plan;
        Ok(Entitlement {
            tier: plan.id.to_string(),
            seats: plan.allowances.seats,
            api_calls_limit: match plan.allowances.monthly {
                Limit::Of(calls) => Some(calls),
                Limit::Unlimited => None,
            },
            api_calls_used: tally.month.used,
            subscription_status: standing.status.as_str().to_owned(),
            price_cents: plan.price.monthly_cents,
            currency: plan.price.currency,
            interval: "month".to_owned(),
        })
    }
}
