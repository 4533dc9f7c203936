use async_trait::async_trait;
use kernel::{Limit, OrgId, StoreError};
use org_core::{Entitlement, Entitlements};
use plan_core::{Access, Plan, PlanError, SubscriptionStatus};
use usage_core::{Usage, UsageError};

use super::{plan_fault, usage_fault};

/// What organizations ask about plans and usage.
pub(crate) struct PlanEntitlements {
    pub(crate) access: Access,
    pub(crate) usage: Usage,
}

#[async_trait]
impl Entitlements for PlanEntitlements {
    async fn of(&self, org: OrgId) -> Result<Entitlement, StoreError> {
        let standing = match self.access.standing(org).await {
            Ok(standing) => standing,
            // Lists for the operator show what is deleted too.
            Err(PlanError::NoSuchOrg) => {
                let plan = self.access.default_plan().await.map_err(plan_fault)?;
                return Ok(entitlement(plan, SubscriptionStatus::Canceled, 0));
            }
            Err(error) => return Err(plan_fault(error)),
        };
        let used = match self.usage.tally(org, None).await {
            Ok(tally) => tally.month.used,
            Err(UsageError::NoOrg) => 0,
            Err(error) => return Err(usage_fault(error)),
        };
        Ok(entitlement(standing.plan, standing.status, used))
    }

    async fn tier(&self, org: OrgId) -> Result<String, StoreError> {
        match self.access.standing(org).await {
            Ok(standing) => Ok(standing.plan.id.to_string()),
            Err(PlanError::NoSuchOrg) => self.default_tier().await,
            Err(error) => Err(plan_fault(error)),
        }
    }

    async fn default_tier(&self) -> Result<String, StoreError> {
        Ok(self.access.default_plan().await.map_err(plan_fault)?.id.to_string())
    }
}

fn entitlement(plan: Plan, status: SubscriptionStatus, used: u64) -> Entitlement {
    Entitlement {
        tier: plan.id.to_string(),
        seats: plan.allowances.seats,
        api_calls_limit: match plan.allowances.monthly {
            Limit::Of(calls) => Some(calls),
            Limit::Unlimited => None,
        },
        api_calls_used: used,
        subscription_status: status.as_str().to_owned(),
        price_cents: plan.price.monthly_cents,
        currency: plan.price.currency,
        interval: "month".to_owned(),
    }
}
