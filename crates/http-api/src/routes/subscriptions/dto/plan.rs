//! Plans, as they are shown.

use plan_core::{Catalogue, Plan, ProviderIds};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Change, decimal};

/// A plan.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own that a plan answers")]
pub(in crate::routes) struct PlanBody {
    /// Its name for ever.
    #[schema(example = "starter")]
    id: String,
    /// What people read.
    #[schema(example = "Starter")]
    name: String,
    /// `id` again.
    #[schema(example = "starter")]
    tier_code: String,
    /// `id` again.
    #[schema(example = "starter")]
    plan_code: String,
    /// `name` again.
    #[schema(example = "Starter")]
    display_name: String,
    /// One or two sentences.
    #[schema(example = "For small teams: search, provider keys of your own, and room for three.")]
    description: String,
    /// How high it stands: a gate that asks for a tier compares levels.
    #[schema(example = 2)]
    level: u8,
    /// What a month costs, in `currency`.
    #[schema(example = 19.0)]
    price_monthly: f64,
    /// What a year costs, in `currency`.
    #[schema(example = 190.0)]
    price_yearly: f64,
    /// What a month costs, in minor units.
    #[schema(example = 1900)]
    price_monthly_cents: i64,
    /// What a year costs, in minor units.
    #[schema(example = 19000)]
    price_yearly_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// What its page promises. `GET /tiers/features` tells more of each.
    #[schema(example = json!(["Search", "Keys of your own"]))]
    features: Vec<String>,
    /// The services it opens.
    #[schema(example = json!(["chat", "ops-center", "search"]))]
    services: Vec<String>,
    /// Calls in a month of the subscription; -1 is unlimited, here and below.
    #[schema(example = 1000)]
    api_calls_limit: i64,
    /// Calls in a day, UTC.
    #[schema(example = -1)]
    daily_limit: i64,
    /// Calls of one member in a month of the subscription.
    #[schema(example = -1)]
    per_user_limit: i64,
    /// Requests of one user in a minute.
    #[schema(example = 100)]
    rate_limit: i64,
    /// Searches at once.
    #[schema(example = 3)]
    concurrent_searches: i64,
    /// Whether the organization may use provider keys of its own.
    #[schema(example = true)]
    byok_enabled: bool,
    /// Whether its customers are answered first.
    #[schema(example = false)]
    priority_support: bool,
    /// Members and open invitations.
    #[schema(example = 3)]
    team_seats: u32,
    /// The days a trial of it lasts; 0 for a plan that is no trial.
    #[schema(example = 0)]
    trial_days: u16,
    /// Whether it can be chosen.
    #[schema(example = true)]
    is_active: bool,
    /// Whether strangers see it.
    #[schema(example = true)]
    is_public: bool,
    /// Whether its page catches the eye.
    #[schema(example = false)]
    is_popular: bool,
    /// Stripe's price for a month. Only platform administrators see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, example = "price_1PgafmB7WZ01zgkW6dKueIc5")]
    stripe_price_id: Change<String>,
    /// Stripe's price for a year. Only platform administrators see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, example = json!(null))]
    stripe_annual_price_id: Change<String>,
    /// Lago's plan code.
    #[schema(example = json!(null))]
    lago_plan_code: Option<String>,
    /// Grows by one with each change.
    #[schema(example = 1)]
    version: u32,
}

impl PlanBody {
    /// A plan for everybody's eyes.
    pub(in crate::routes::subscriptions) fn new(plan: &Plan) -> Self {
        let gives = &plan.allowances;
        Self {
            id: plan.id.to_string(),
            name: plan.name.clone(),
            tier_code: plan.id.to_string(),
            plan_code: plan.id.to_string(),
            display_name: plan.name.clone(),
            description: plan.description.clone(),
            level: plan.level,
            price_monthly: decimal(plan.price.monthly_cents),
            price_yearly: decimal(plan.price.yearly_cents),
            price_monthly_cents: plan.price.monthly_cents,
            price_yearly_cents: plan.price.yearly_cents,
            currency: plan.price.currency.clone(),
            features: feature_names(plan),
            services: plan.services.iter().map(ToString::to_string).collect(),
            api_calls_limit: gives.monthly.to_i64(),
            daily_limit: gives.daily.to_i64(),
            per_user_limit: gives.per_user.to_i64(),
            rate_limit: gives.rate_per_minute.to_i64(),
            concurrent_searches: gives.concurrent_searches.to_i64(),
            byok_enabled: gives.byok,
            priority_support: plan.priority_support,
            team_seats: gives.seats,
            trial_days: plan.trial_days,
            is_active: plan.is_active,
            is_public: plan.is_public,
            is_popular: plan.is_popular,
            stripe_price_id: None,
            stripe_annual_price_id: None,
            lago_plan_code: plan.provider_ids.lago_plan.clone(),
            version: plan.version,
        }
    }

    /// A plan for a platform administrator's eyes.
    pub(in crate::routes::subscriptions) fn whole(plan: &Plan) -> Self {
        let ProviderIds { stripe_price, stripe_annual_price, .. } = plan.provider_ids.clone();
        Self {
            stripe_price_id: Some(stripe_price),
            stripe_annual_price_id: Some(stripe_annual_price),
            ..Self::new(plan)
        }
    }

    /// One or the other.
    pub(in crate::routes) fn shown(plan: &Plan, administers: bool) -> Self {
        if administers { Self::whole(plan) } else { Self::new(plan) }
    }
}

/// What a plan's page promises, by name.
pub(in crate::routes::subscriptions) fn feature_names(plan: &Plan) -> Vec<String> {
    plan.features.iter().map(|feature| feature.name.clone()).collect()
}

/// The plans that the caller may see, the lowest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Plans)]
pub(in crate::routes::subscriptions) struct PlansBody {
    /// The plans.
    plans: Vec<PlanBody>,
    /// The currency of the lowest plan, ISO 4217.
    #[schema(example = "USD")]
    currency: String,
}

impl PlansBody {
    /// These of the catalogue.
    pub(in crate::routes::subscriptions) fn new(
        catalogue: &Catalogue,
        seen: impl Fn(&Plan) -> bool,
        administers: bool,
    ) -> Self {
        let currency = catalogue.plans().first().map_or_else(|| "USD".to_owned(), |plan| plan.price.currency.clone());
        let seen = catalogue.plans().iter().filter(|plan| seen(plan));
        Self { plans: seen.map(|plan| PlanBody::shown(plan, administers)).collect(), currency }
    }
}

/// A plan was made, changed or retired.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::subscriptions) struct PlanSaved {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// The plan, as it is now.
    plan: PlanBody,
}

impl From<&Plan> for PlanSaved {
    fn from(plan: &Plan) -> Self {
        Self { success: true, plan: PlanBody::whole(plan) }
    }
}
