use auth_core::User;
use plan_core::Standing;
use serde::Serialize;
use serde_json::{Map, Value};
use usage_core::Current;
use usage_core::policy::percentage;
use utoipa::ToSchema;

use super::quota::by_service;
use crate::wire::time;

/// Where the organization stands, for consoles that show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CurrentUsage {
    /// Always `true`.
    #[schema(example = true)]
    success: bool,
    /// What was used in the month.
    #[schema(example = 17)]
    api_calls_used: u64,
    /// What the plan gives in a month; −1 is without end.
    #[schema(example = 1000)]
    api_calls_limit: i64,
    /// What is left; `null` without end.
    #[schema(example = 983)]
    remaining: Option<u64>,
    /// Used, in per cent; 0 without end.
    #[schema(example = 1)]
    percentage: u8,
    /// When the month ends.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    reset_date: String,
    /// What was used of each service of the catalogue.
    #[schema(value_type = Object, example = json!({"chat": 17, "search": 0}))]
    services: Map<String, Value>,
    /// The most that was used on one day of the month.
    #[schema(example = 9)]
    peak_usage: u64,
    /// Which day that was.
    #[schema(format = Date, example = "2026-02-03")]
    peak_date: Option<String>,
    /// The same as `api_calls_used`, for consoles that speak of credits.
    #[schema(example = 17)]
    credits_used: u64,
    /// The same as `remaining`.
    #[schema(example = 983)]
    credits_remaining: Option<u64>,
    /// You.
    user: UsageUser,
    /// The organization's subscription.
    subscription: UsageSubscription,
    /// The same once more, as newer consoles read it.
    data: UsageData,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
struct UsageUser {
    /// The account.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// Its user name.
    #[schema(example = "ada")]
    username: String,
}

/// What the organization has.
#[derive(Debug, Serialize, ToSchema)]
struct UsageSubscription {
    /// The plan that counts.
    #[schema(example = "free")]
    tier: String,
    /// What people call it.
    #[schema(example = "Free")]
    tier_name: String,
    /// Whether it is being paid for.
    #[schema(example = "active")]
    status: &'static str,
}

/// Where the organization stands.
#[derive(Debug, Serialize, ToSchema)]
struct UsageData {
    /// The plan that counts.
    #[schema(example = "free")]
    tier: String,
    /// Whether it is being paid for.
    #[schema(example = "active")]
    status: &'static str,
    /// The month.
    usage: UsageNumbers,
    /// The day.
    daily: UsageDaily,
    /// The month's end.
    reset: UsageEnd,
}

/// The month in numbers.
#[derive(Debug, Serialize, ToSchema)]
struct UsageNumbers {
    /// What was used.
    #[schema(example = 17)]
    used: u64,
    /// What the plan gives; −1 is without end.
    #[schema(example = 1000)]
    limit: i64,
    /// What is left; `null` without end.
    #[schema(example = 983)]
    remaining: Option<u64>,
    /// Used, in per cent; 0 without end.
    #[schema(example = 1)]
    percentage: u8,
}

/// The day in numbers.
#[derive(Debug, Serialize, ToSchema)]
struct UsageDaily {
    /// What was used.
    #[schema(example = 3)]
    used: u64,
    /// What the plan gives; −1 is without end.
    #[schema(example = 33)]
    limit: i64,
}

/// When the counters begin anew.
#[derive(Debug, Serialize, ToSchema)]
struct UsageEnd {
    /// The moment.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    date: String,
    /// The days until then, one that has begun counted as one.
    #[schema(example = 12)]
    days_until: u64,
}

impl CurrentUsage {
    pub(crate) fn new(current: Current, standing: &Standing, user: &User) -> Self {
        let (month, day) = (current.tally.month, current.tally.day);
        let (tier, status) = (current.tally.tier.clone(), standing.status.as_str());
        let (calls, limit, remaining) = (month.used, month.limit.to_i64(), month.remaining());
        let (percentage, date) = (percentage(&month), time(month.period.end));
        let mut services: Map<String, Value> =
            standing.catalogue.services().iter().map(|service| (service.name.to_string(), 0.into())).collect();
        services.extend(by_service(&current.services));
        Self {
            success: true,
            api_calls_used: calls,
            api_calls_limit: limit,
            remaining,
            percentage,
            reset_date: date.clone(),
            services,
            peak_usage: current.peak.map_or(0, |(_, most)| most),
            peak_date: current.peak.map(|(day, _)| day.to_string()),
            credits_used: calls,
            credits_remaining: remaining,
            user: UsageUser {
                id: user.id.to_string(),
                email: user.email.to_string(),
                username: user.username.to_string(),
            },
            subscription: UsageSubscription { tier: tier.clone(), tier_name: standing.plan.name.clone(), status },
            data: UsageData {
                tier,
                status,
                usage: UsageNumbers { used: calls, limit, remaining, percentage },
                daily: UsageDaily { used: day.used, limit: day.limit.to_i64() },
                reset: UsageEnd { date, days_until: current.days_until_reset },
            },
        }
    }
}
