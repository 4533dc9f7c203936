use serde::Serialize;
use usage_core::policy::percentage;
use usage_core::{Count, Current, Tally};
use utoipa::ToSchema;

use crate::wire::time;

/// One counter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageCount)]
pub(crate) struct CountBody {
    /// Recorded quantity.
    #[schema(example = 17)]
    used: u64,
    /// Quantity that open reservations hold.
    #[schema(example = 0)]
    reserved: u64,
    /// The most that both may reach; −1 is without end.
    #[schema(example = 1000)]
    limit: i64,
    /// What is left; `null` without end.
    #[schema(example = 983)]
    remaining: Option<u64>,
    /// Used, in per cent of the limit; 0 without end.
    #[schema(example = 1)]
    percentage: u8,
    /// When the period began.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    period_start: String,
    /// When it ends; the next one begins at this moment.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    period_end: String,
}

impl CountBody {
    pub(super) fn new(count: &Count) -> Self {
        Self {
            used: count.used,
            reserved: count.reserved,
            limit: count.limit.to_i64(),
            remaining: count.remaining(),
            percentage: percentage(count),
            period_start: time(count.period.start),
            period_end: time(count.period.end),
        }
    }
}

/// What is left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageQuota)]
pub(crate) struct QuotaAnswer {
    /// The plan that counts.
    #[schema(example = "free")]
    tier: String,
    /// The organization's month.
    monthly: CountBody,
    /// The organization's day, UTC.
    daily: CountBody,
    /// Your own month.
    user_monthly: Option<CountBody>,
}

impl QuotaAnswer {
    pub(crate) fn new(tally: &Tally) -> Self {
        Self {
            tier: tally.tier.clone(),
            monthly: CountBody::new(&tally.month),
            daily: CountBody::new(&tally.day),
            user_monthly: tally.user.as_ref().map(CountBody::new),
        }
    }
}

/// The totals of the month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageSummary)]
pub(crate) struct SummaryAnswer {
    /// The plan that counts.
    #[schema(example = "free")]
    tier: String,
    /// How much was used.
    #[schema(example = 17)]
    total_calls: u64,
    /// The most that may be; −1 is without end.
    #[schema(example = 1000)]
    limit: i64,
    /// What is left; `null` without end.
    #[schema(example = 983)]
    remaining: Option<u64>,
    /// The days until the month ends.
    #[schema(example = 12)]
    days_until_reset: u64,
    /// How much of it was which service.
    #[schema(value_type = Object, example = json!({"chat": 17}))]
    by_service: serde_json::Map<String, serde_json::Value>,
}

impl SummaryAnswer {
    pub(crate) fn new(current: &Current) -> Self {
        let month = current.tally.month;
        Self {
            tier: current.tally.tier.clone(),
            total_calls: month.used,
            limit: month.limit.to_i64(),
            remaining: month.remaining(),
            days_until_reset: current.days_until_reset,
            by_service: by_service(&current.services),
        }
    }
}

/// Quantities by the services' names.
pub(super) fn by_service(
    services: &[(kernel::ServiceName, usage_core::Sum)],
) -> serde_json::Map<String, serde_json::Value> {
    services.iter().map(|(name, sum)| (name.to_string(), sum.quantity.into())).collect()
}
