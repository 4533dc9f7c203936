//! What a bucket says.

use plan_core::PlanId;
use serde::Serialize;
use usage_core::Taken;
use utoipa::ToSchema;

use crate::wire::time;

/// How many requests are left of the minute.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateLimitState)]
pub(in crate::routes::decision) struct RateAnswer {
    /// The plan that counts.
    #[schema(example = "starter")]
    user_tier: String,
    /// How many requests fit in a minute; −1 is without end.
    #[schema(example = 100)]
    rate_limit: i64,
    /// Always `minute`.
    #[schema(example = "minute")]
    rate_limit_per: &'static str,
    /// How many of them are used up now.
    #[schema(example = 3)]
    current_usage: u32,
    /// How many more fit now; `null` without end.
    #[schema(example = 97)]
    remaining: Option<u32>,
    /// When all of them fit again; `null` without end.
    #[schema(format = DateTime, example = "2026-01-31T09:30:01.800000Z")]
    reset_at: Option<String>,
}

impl RateAnswer {
    /// What a bucket said; `None` is "no limit".
    pub(in crate::routes::decision) fn new(tier: &PlanId, taken: Option<&Taken>) -> Self {
        Self {
            user_tier: tier.to_string(),
            rate_limit: taken.map_or(-1, |taken| i64::from(taken.rate.quota.get())),
            rate_limit_per: "minute",
            current_usage: taken.map_or(0, |taken| taken.rate.quota.get().saturating_sub(taken.remaining)),
            remaining: taken.map(|taken| taken.remaining),
            reset_at: taken.map(|taken| time(taken.full_at)),
        }
    }
}
