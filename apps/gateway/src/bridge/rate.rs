use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Ambient, OrgId, StoreError, Timestamp, UserId};
use plan_core::Rates;
use usage_core::{Bucket, Rate, RateLimiter};

/// What decisions ask about rates, answered by the buckets.
pub(crate) struct DecisionRates {
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) ambient: Ambient,
}

#[async_trait]
impl Rates for DecisionRates {
    async fn take(
        &self,
        org: OrgId,
        user: Option<UserId>,
        per_minute: u64,
    ) -> Result<Result<(), Timestamp>, StoreError> {
        let quota = NonZeroU32::new(u32::try_from(per_minute).unwrap_or(u32::MAX));
        // A plan that gives no calls at all gives none in a minute either.
        let Some(quota) = quota else { return Ok(Err(self.ambient.now() + TimeDelta::minutes(1))) };
        // Of the user in this organization: what another one of theirs does must not slow this one down.
        let key = user.map_or_else(|| org.to_string(), |user| format!("{org}:{user}"));
        let taken = self.limiter.take(&Bucket { policy: "call", key }, Rate::per_minute(quota), 1).await?;
        Ok(if taken.allowed { Ok(()) } else { Err(taken.retry_at) })
    }
}
