//! The tiers, side by side.

use std::collections::BTreeMap;

use plan_core::{Plan, Service};
use serde::Serialize;
use utoipa::ToSchema;

use super::matrix::min_tier;
use crate::routes::subscriptions::Eyes;
use crate::wire::decimal;

/// The tiers, the lowest first, and the services.
#[derive(Serialize, ToSchema)]
#[schema(as = Tiers)]
pub(in crate::routes::tier) struct TiersBody {
    /// The tiers.
    tiers: Vec<TierBody>,
    /// Every service, by its name.
    services: BTreeMap<String, TierService>,
}

/// A tier.
#[derive(Serialize, ToSchema)]
#[schema(as = Tier)]
struct TierBody {
    /// Its name: that of its plan.
    #[schema(example = "starter")]
    name: String,
    /// What people read.
    #[schema(example = "Starter")]
    display_name: String,
    /// How high it stands.
    #[schema(example = 2)]
    level: u8,
    /// Requests of one user in a minute; -1 is unlimited.
    #[schema(example = 100)]
    rate_limit: i64,
    /// Searches at once; -1 is unlimited.
    #[schema(example = 3)]
    concurrent_searches: i64,
    /// What a month costs, in `currency`.
    #[schema(example = 19.0)]
    price: f64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// One or two sentences.
    #[schema(example = "For small teams: search, provider keys of your own, and room for three.")]
    description: String,
}

/// A service, and the tier that it needs.
#[derive(Serialize, ToSchema)]
struct TierService {
    /// What people read.
    #[schema(example = "Search")]
    name: String,
    /// One sentence about it.
    #[schema(example = "Answers from the web and from your own documents.")]
    description: String,
    /// The lowest tier that opens it.
    #[schema(example = "trial")]
    min_tier: Option<String>,
}

impl TiersBody {
    /// Those that these eyes see.
    pub(in crate::routes::tier) fn new(eyes: &Eyes) -> Self {
        let service = |service: &Service| {
            let min_tier = min_tier(eyes, &service.name);
            let (name, description) = (service.display_name.clone(), service.description.clone());
            (service.name.to_string(), TierService { name, description, min_tier })
        };
        Self {
            tiers: eyes.plans().map(TierBody::from).collect(),
            services: eyes.catalogue.services().iter().map(service).collect(),
        }
    }
}

impl From<&Plan> for TierBody {
    fn from(plan: &Plan) -> Self {
        Self {
            name: plan.id.to_string(),
            display_name: plan.name.clone(),
            level: plan.level,
            rate_limit: plan.allowances.rate_per_minute.to_i64(),
            concurrent_searches: plan.allowances.concurrent_searches.to_i64(),
            price: decimal(plan.price.monthly_cents),
            currency: plan.price.currency.clone(),
            description: plan.description.clone(),
        }
    }
}

/// What a tier's page promises.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::tier) struct TierFeatures {
    /// The tier.
    #[schema(example = "starter")]
    tier_code: String,
    /// Its promises.
    features: Vec<TierFeature>,
}

/// One thing that a tier's page promises.
#[derive(Serialize, ToSchema)]
struct TierFeature {
    /// Its name.
    #[schema(example = "Search")]
    feature_name: String,
    /// The heading it stands under.
    #[schema(example = "Services")]
    category: String,
    /// One sentence about it.
    #[schema(example = "Answers from the web and from your own documents.")]
    description: String,
}

impl From<&Plan> for TierFeatures {
    fn from(plan: &Plan) -> Self {
        let features = plan.features.iter().cloned().map(|feature| TierFeature {
            feature_name: feature.name,
            category: feature.category,
            description: feature.description,
        });
        Self { tier_code: plan.id.to_string(), features: features.collect() }
    }
}
