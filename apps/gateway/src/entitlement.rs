use async_trait::async_trait;
use kernel::{OrgId, StoreError};
use org_core::{Entitlement, Entitlements};

use crate::config::Org;

/// The bridge from organizations to plans: every organization has what the configuration says.
pub(crate) struct ConfiguredPlan(pub(crate) Org);

#[async_trait]
impl Entitlements for ConfiguredPlan {
    async fn of(&self, _org: OrgId) -> Result<Entitlement, StoreError> {
        Ok(Entitlement {
            tier: self.0.default_tier.clone(),
            seats: self.0.default_seats,
            api_calls_limit: Some(self.0.default_api_calls_limit),
            api_calls_used: 0,
            subscription_status: "active".to_owned(),
            price_cents: 0,
            currency: "USD".to_owned(),
            interval: "month".to_owned(),
        })
    }
}
