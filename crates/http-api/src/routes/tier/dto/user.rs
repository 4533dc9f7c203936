//! The tier of one user.

use auth_core::User;
use kernel::ServiceName;
use plan_core::Plan;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which service is wanted.
#[derive(Deserialize, IntoParams)]
pub(in crate::routes::tier) struct TierQuery {
    /// The service.
    #[param(example = "chat")]
    service: String,
}

impl TierQuery {
    /// The service.
    pub(in crate::routes::tier) fn service(&self) -> &str {
        &self.service
    }
}

/// The tier of a user's organization.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::tier) struct UserTier {
    /// The user; null when a service asks for nobody.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: Option<String>,
    /// Their e-mail address.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// The plan that counts.
    #[schema(example = "starter")]
    subscription_tier: String,
    /// How high it stands.
    #[schema(example = 2)]
    tier_level: u8,
    /// Requests of one user in a minute; -1 is unlimited.
    #[schema(example = 100)]
    rate_limit: i64,
    /// Searches at once; -1 is unlimited.
    #[schema(example = 3)]
    concurrent_searches: i64,
    /// The services that it opens.
    #[schema(example = json!(["chat", "ops-center", "search"]))]
    services_available: Vec<String>,
}

impl UserTier {
    /// Of this user, whose organization has this plan.
    pub(in crate::routes::tier) fn new(user: Option<&User>, plan: &Plan) -> Self {
        Self {
            user_id: user.map(|user| user.id.to_string()),
            email: user.map(|user| user.email.to_string()),
            subscription_tier: plan.id.to_string(),
            tier_level: plan.level,
            rate_limit: plan.allowances.rate_per_minute.to_i64(),
            concurrent_searches: plan.allowances.concurrent_searches.to_i64(),
            services_available: plan.services.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The tier opens the service.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::tier) struct TierChecked {
    /// Always `granted`.
    #[schema(example = "granted")]
    access: &'static str,
    /// The plan that counts.
    #[schema(example = "starter")]
    user_tier: String,
    /// The service.
    #[schema(example = "search")]
    service: String,
    /// The same, for people.
    #[schema(example = "the plan Starter opens search")]
    message: String,
}

impl TierChecked {
    /// This plan opens this service.
    pub(in crate::routes::tier) fn new(plan: &Plan, service: &ServiceName) -> Self {
        Self {
            access: "granted",
            user_tier: plan.id.to_string(),
            service: service.to_string(),
            message: format!("the plan {} opens {service}", plan.name),
        }
    }
}
