//! Which services a tier opens.

use std::collections::BTreeMap;

use kernel::ServiceName;
use plan_core::{Plan, Service};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::routes::subscriptions::Eyes;

/// Which tier to look at.
#[derive(Deserialize, IntoParams)]
pub(in crate::routes::tier) struct MatrixQuery {
    /// The tier; the one that every organization begins with when absent.
    #[param(nullable = false, example = "free")]
    user_tier: Option<String>,
}

impl MatrixQuery {
    /// The tier that is asked for.
    pub(in crate::routes::tier) fn tier(&self) -> Option<&str> {
        self.user_tier.as_deref().filter(|tier| !tier.is_empty())
    }
}

/// Which services a tier opens.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::tier) struct AccessMatrix {
    /// The tier.
    #[schema(example = "free")]
    user_tier: String,
    /// How high it stands.
    #[schema(example = 0)]
    tier_level: u8,
    /// Every service, by its name.
    services: BTreeMap<String, MatrixService>,
    /// Requests of one user in a minute; -1 is unlimited.
    #[schema(example = 10)]
    rate_limit: i64,
    /// Searches at once; -1 is unlimited.
    #[schema(example = 1)]
    concurrent_searches: i64,
}

/// A service, as a tier sees it.
#[derive(Serialize, ToSchema)]
struct MatrixService {
    /// What people read.
    #[schema(example = "Search")]
    name: String,
    /// One sentence about it.
    #[schema(example = "Answers from the web and from your own documents.")]
    description: String,
    /// The lowest tier that opens it.
    #[schema(example = "trial")]
    min_tier: Option<String>,
    /// Whether the tier opens it.
    #[schema(example = false)]
    has_access: bool,
    /// The opposite.
    #[schema(example = true)]
    requires_upgrade: bool,
    /// The tier to change to; null where none is needed, or none helps.
    #[schema(example = "starter")]
    upgrade_tier: Option<String>,
}

impl AccessMatrix {
    /// Of this tier, to these eyes.
    pub(in crate::routes::tier) fn new(eyes: &Eyes, tier: &Plan) -> Self {
        let row = |service: &Service| {
            let has_access = tier.opens(&service.name);
            let upgrade = eyes.catalogue.required_for(&service.name).filter(|_| !has_access);
            let row = MatrixService {
                name: service.display_name.clone(),
                description: service.description.clone(),
                min_tier: min_tier(eyes, &service.name),
                has_access,
                requires_upgrade: !has_access,
                upgrade_tier: upgrade.map(|plan| plan.id.to_string()),
            };
            (service.name.to_string(), row)
        };
        Self {
            user_tier: tier.id.to_string(),
            tier_level: tier.level,
            services: eyes.catalogue.services().iter().map(row).collect(),
            rate_limit: tier.allowances.rate_per_minute.to_i64(),
            concurrent_searches: tier.allowances.concurrent_searches.to_i64(),
        }
    }
}

/// The lowest tier that opens a service, of those that these eyes see.
pub(super) fn min_tier(eyes: &Eyes, service: &ServiceName) -> Option<String> {
    eyes.catalogue.opening(service).into_iter().find(|plan| eyes.see(plan)).map(|plan| plan.id.to_string())
}
