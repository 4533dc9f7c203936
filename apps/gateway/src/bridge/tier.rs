use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use http_api::problem::Problem;
use http_api::rate_limit::{Class, Key, RateLimits, Subject};
use kernel::{Limit, OrgId};
use plan_core::{Access, PlanError};
use usage_core::{Bucket, Rate, RateLimiter, Taken};

/// How many requests callers may make: what the plan of their organization says, for each user and for each API key.
pub(crate) struct TierLimits {
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) access: Access,
    /// Of somebody who is in no organization, in a minute.
    pub(crate) without_org: NonZeroU32,
    /// Of an API key of the platform, in a minute: its services ask for many users. An organization's own key has as much where the
    /// plan has no limit.
    pub(crate) api_key: NonZeroU32,
}

impl TierLimits {
    /// Whose bucket it is, and how fast it fills; `None` where nothing limits the caller.
    async fn bucket(&self, who: &Subject, class: Class) -> Result<Option<(Bucket, Rate)>, Problem> {
        let (key, rate) = match (who.key, who.user, who.org) {
            (Some(key), _, org) => (key.id.to_string(), Some(self.of_key(key, org).await?)),
            (None, Some(user), Some(org)) => (user.to_string(), self.of_org(org).await?),
            (None, Some(user), None) => (user.to_string(), Some(Rate::per_minute(self.without_org))),
            (None, None, _) => return Ok(None),
        };
        Ok(rate.map(|rate| (Bucket { policy: class.policy(), key }, rate)))
    }

    async fn of_key(&self, key: Key, org: Option<OrgId>) -> Result<Rate, Problem> {
        let own = match org.filter(|_| !key.platform) {
            Some(org) => self.of_org(org).await?,
            None => None,
        };
        Ok(own.unwrap_or(Rate::per_minute(self.api_key)))
    }

    async fn of_org(&self, org: OrgId) -> Result<Option<Rate>, Problem> {
        let allowed = match self.access.allowances(org).await {
            Ok(allowances) => allowances.rate_per_minute,
            // Deleted meanwhile: the use case says so.
            Err(PlanError::NoSuchOrg) => return Ok(Some(Rate::per_minute(self.without_org))),
            Err(error) => return Err(error.into()),
        };
        Ok(match allowed {
            Limit::Unlimited => None,
            // Whoever has nothing still must be able to ask why.
            Limit::Of(quota) => {
                let quota = NonZeroU32::new(u32::try_from(quota).unwrap_or(u32::MAX));
                Some(Rate::per_minute(quota.unwrap_or(NonZeroU32::MIN)))
            }
        })
    }
}

#[async_trait]
impl RateLimits for TierLimits {
    async fn of(&self, who: &Subject, class: Class) -> Result<Option<Taken>, Problem> {
        let Some((bucket, rate)) = self.bucket(who, class).await? else { return Ok(None) };
        Ok(Some(self.limiter.take(&bucket, rate, 1).await?))
    }

    async fn peek(&self, who: &Subject, class: Class) -> Result<Option<Taken>, Problem> {
        let Some((bucket, rate)) = self.bucket(who, class).await? else { return Ok(None) };
        Ok(Some(self.limiter.peek(&bucket, rate).await?))
    }
}
