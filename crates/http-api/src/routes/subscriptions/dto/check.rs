//! Whether a plan opens one service.

use kernel::{OrgId, UserId};
use plan_core::{Plan, ServiceAccess};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// Whom a question is about, where that is not the caller.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccessQuestion)]
pub(in crate::routes::subscriptions) struct Whom {
    /// The user, `usr_…`, for whom a service asks.
    #[schema(example = json!(null))]
    user_id: Option<String>,
    /// The organization, `org_…`.
    #[schema(example = json!(null))]
    org_id: Option<String>,
}

impl Whom {
    /// The organization and the user. An id that cannot be one names nothing that exists.
    pub(in crate::routes::subscriptions) fn ids(self) -> Result<(Option<OrgId>, Option<UserId>), Problem> {
        let org = self.org_id.map(|text| text.parse()).transpose().or(Err(Problem::not_found()))?;
        let user = self.user_id.map(|text| text.parse()).transpose().or(Err(Problem::not_found()))?;
        Ok((org, user))
    }
}

/// Whether the caller's organization may use a service.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::routes::subscriptions) enum AccessChecked {
    /// It may.
    Granted(AccessGranted),
    /// Its plan does not open the service.
    UpgradeRequired(AccessRefused),
}

/// The organization may use the service.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::subscriptions) struct AccessGranted {
    /// Always true.
    #[schema(example = true)]
    has_access: bool,
    /// The plan that counts.
    #[schema(example = "starter")]
    current_plan: String,
}

/// The organization's plan does not open the service.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::subscriptions) struct AccessRefused {
    /// Always false.
    #[schema(example = false)]
    has_access: bool,
    /// The plan that counts.
    #[schema(example = "free")]
    current_plan: String,
    /// Always true.
    #[schema(example = true)]
    upgrade_required: bool,
    /// The lowest plan that opens it; null when none that can be chosen does.
    #[schema(example = "starter")]
    required_plan: Option<String>,
    /// Where to choose another plan.
    #[schema(format = "uri-reference", example = "https://ops.example.com/upgrade")]
    upgrade_url: String,
    /// The same, for people.
    #[schema(example = "the plan Free does not open this service; Starter does")]
    message: String,
}

impl From<ServiceAccess> for AccessChecked {
    fn from(access: ServiceAccess) -> Self {
        match access {
            ServiceAccess::Granted { current } => {
                Self::Granted(AccessGranted { has_access: true, current_plan: current.id.to_string() })
            }
            ServiceAccess::UpgradeRequired { current, required, upgrade_url } => {
                let message = refusal(&current, required.as_deref());
                Self::UpgradeRequired(AccessRefused {
                    has_access: false,
                    current_plan: current.id.to_string(),
                    upgrade_required: true,
                    required_plan: required.map(|plan| plan.id.to_string()),
                    upgrade_url,
                    message,
                })
            }
        }
    }
}

/// Why a plan does not do, in one sentence that a person can act on.
fn refusal(current: &Plan, required: Option<&Plan>) -> String {
    match required {
        Some(required) => format!("the plan {} does not open this service; {} does", current.name, required.name),
        None => format!("the plan {} does not open this service, nor does any other", current.name),
    }
}
