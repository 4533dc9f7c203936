use std::collections::BTreeMap;

use kernel::Limit;
use plan_core::{Plan, Standing};
use serde::Serialize;
use utoipa::ToSchema;

/// The limits of every plan that can be chosen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageLimits)]
pub(crate) struct LimitList {
    /// The plan that counts.
    #[schema(example = "free")]
    current_tier: String,
    /// By the plans' names.
    tiers: BTreeMap<String, TierLimits>,
}

/// What a plan gives.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageTierLimits)]
struct TierLimits {
    /// What people call it.
    #[schema(example = "Free")]
    name: String,
    /// Calls in a day, or `unlimited`.
    #[schema(example = json!(33))]
    daily_limit: LimitNumber,
    /// Calls in a month, or `unlimited`.
    #[schema(example = json!(1000))]
    monthly_limit: LimitNumber,
    /// Requests of one user in a minute, or `unlimited`.
    #[schema(example = json!(10))]
    rate_limit: LimitNumber,
    /// What its page promises.
    #[schema(example = json!(["chat"]))]
    features: Vec<String>,
    /// Whether it is yours.
    #[schema(example = true)]
    is_current: bool,
}

/// A number, or `unlimited`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum LimitNumber {
    /// So many.
    Of(u64),
    /// `unlimited`.
    Word(&'static str),
}

impl From<Limit> for LimitNumber {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Of(number) => Self::Of(number),
            Limit::Unlimited => Self::Word("unlimited"),
        }
    }
}

impl LimitList {
    pub(crate) fn new(standing: &Standing) -> Self {
        let current = &standing.plan.id;
        let shown = |plan: &&Plan| plan.id == *current || (plan.is_active && plan.is_public);
        let tier = |plan: &Plan| TierLimits {
            name: plan.name.clone(),
            daily_limit: plan.allowances.daily.into(),
            monthly_limit: plan.allowances.monthly.into(),
            rate_limit: plan.allowances.rate_per_minute.into(),
            features: plan.features.iter().map(|feature| feature.name.clone()).collect(),
            is_current: plan.id == *current,
        };
        let plans = standing.catalogue.plans().iter().filter(shown);
        Self { current_tier: current.to_string(), tiers: plans.map(|plan| (plan.id.to_string(), tier(plan))).collect() }
    }
}

/// Which services the plan opens, by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageFeatures)]
pub(crate) struct FeatureList {
    /// The plan that counts.
    #[schema(example = "free")]
    tier: String,
    /// Those that it opens.
    #[schema(example = json!(["chat", "ops-center"]))]
    available_features: Vec<String>,
    /// Those that it does not.
    #[schema(example = json!(["search"]))]
    locked_features: Vec<String>,
    /// All of the catalogue.
    #[schema(example = json!(["chat", "ops-center", "search"]))]
    all_features: Vec<String>,
}

impl FeatureList {
    pub(crate) fn new(standing: &Standing) -> Self {
        let all = || standing.catalogue.services().iter().map(|service| &service.name);
        Self {
            tier: standing.plan.id.to_string(),
            available_features: all().filter(|name| standing.plan.opens(name)).map(ToString::to_string).collect(),
            locked_features: all().filter(|name| !standing.plan.opens(name)).map(ToString::to_string).collect(),
            all_features: all().map(ToString::to_string).collect(),
        }
    }
}
