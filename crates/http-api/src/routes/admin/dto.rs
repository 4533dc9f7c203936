//! The wire types of this area.

use billing_core::Account;
use plan_core::{GrantRequest, Owned, PlanId, Subscription, SubscriptionStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;

/// What becomes of a subscription. What is absent stays, or follows from the rest.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeSubscription {
    /// The plan to be on.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "professional")]
    tier: Option<String>,
    /// The state to be in: `active`, `trialing`, `past_due`, `suspended` or `canceled`. The organization has what its plan gives in the
    /// first three.
    #[schema(pattern = "^(active|trialing|past_due|suspended|canceled)$", example = "active")]
    status: Option<String>,
    /// Why, for the audit trail.
    #[schema(max_length = 1000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", example = "agreed by mail")]
    notes: Option<String>,
}

impl TryFrom<ChangeSubscription> for GrantRequest {
    type Error = Problem;

    fn try_from(body: ChangeSubscription) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let plan = fields.read_some("/tier", body.tier, |text| text.parse::<PlanId>());
        let status = fields.read_some("/status", body.status, |text| {
            // What is not paid is said by payments, and not by people.
            let said = SubscriptionStatus::parse(&text).filter(|status| *status != SubscriptionStatus::Unpaid);
            said.ok_or("must be active, trialing, past_due, suspended or canceled")
        });
        fields.done(Some(Self { plan, status, notes: body.notes }))
    }
}

/// The subscription is as it was asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct SubscriptionChanged {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What was done, for people.
    #[schema(example = "the organization of ada@example.com is on professional (active); it pays for nothing")]
    message: String,
    /// The owner's address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// The plan that the organization is on.
    #[schema(example = "professional")]
    tier: String,
    /// The state of the subscription.
    #[schema(example = "active")]
    status: &'static str,
}

impl SubscriptionChanged {
    /// The organization of this owner has this subscription, and pays for something or for nothing.
    pub(super) fn new(owned: Owned, subscription: &Subscription, pays: Option<&Account>) -> Self {
        let (tier, status) = (subscription.plan.to_string(), subscription.status.as_str());
        let bill = match pays.and_then(|account| account.subscription.as_ref()) {
            Some(paid) => format!("it goes on paying for {} ({})", paid.plan, paid.cycle.as_str()),
            None => "it pays for nothing".to_owned(),
        };
        let message = format!("the organization of {} is on {tier} ({status}); {bill}", owned.email);
        Self { success: true, message, email: owned.email, tier, status }
    }
}
