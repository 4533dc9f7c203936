//! One organization: what it is, and whether it runs.

use billing_core::{Account, PaymentProvider};
use kernel::OrgId;
use org_core::{FieldError, OrgStatus, OrgView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::time;

/// An organization, its plan and how full it is.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::org) struct OrgInfo {
    /// Its id.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// Its name in addresses.
    #[schema(example = "acme-4f9c2a")]
    slug: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// `active`, `suspended` or `deleted`.
    #[schema(example = "active")]
    status: &'static str,
    /// Its plan.
    #[schema(example = "free")]
    plan_tier: String,
    /// The e-mail address of its longest-standing active owner.
    #[schema(example = "ada@acme.example")]
    owner: Option<String>,
    /// How many active members it has.
    #[schema(example = 3)]
    member_count: u64,
    /// How many seats its plan has.
    #[schema(example = 5)]
    seats: u32,
    /// How many of them are taken: by members and by open invitations.
    #[schema(example = 4)]
    seats_used: u64,
    /// Its customer id at Lago, `null` without one. Only for those who manage billing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, example = json!(null))]
    lago_customer_id: Option<Value>,
    /// Its customer id at Stripe, `null` without one. Only for those who manage billing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, example = json!(null))]
    stripe_customer_id: Option<Value>,
}

/// The organization's name at this provider, if it is a customer there.
pub(super) fn customer(account: &Account, at: PaymentProvider) -> Option<String> {
    account.customer.clone().filter(|_| account.provider == at)
}

impl OrgInfo {
    /// What a member sees, with or without what is known of its money.
    pub(in crate::routes::org) fn new(view: OrgView, account: Option<&Account>) -> Self {
        let customer = |at| account.map(|account| customer(account, at).map_or(Value::Null, Value::String));
        Self {
            id: view.org.id.to_string(),
            name: view.org.name.as_str().to_owned(),
            slug: view.org.slug.as_str().to_owned(),
            created_at: time(view.org.created_at),
            status: view.org.status.as_str(),
            plan_tier: view.entitlement.tier,
            owner: view.owner,
            member_count: view.stats.active_members,
            seats: view.entitlement.seats,
            seats_used: view.stats.total_members + view.stats.pending_invites,
            lago_customer_id: customer(PaymentProvider::Lago),
            stripe_customer_id: customer(PaymentProvider::Stripe),
        }
    }
}

/// A new state of an organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetOrgStatus)]
pub(in crate::routes::org) struct SetStatus {
    /// `active` or `suspended`.
    #[schema(pattern = "^(active|suspended)$", example = "suspended")]
    status: String,
}

impl TryFrom<SetStatus> for OrgStatus {
    type Error = Problem;

    fn try_from(body: SetStatus) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let status = body.status.parse().ok().filter(|status| *status != Self::Deleted);
        let status = fields.read("/status", status.ok_or(FieldError::Choice("active, suspended")));
        fields.done(status)
    }
}

/// The organization has another state now.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::org) struct OrgStatusChanged {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "The organization is suspended.")]
    message: String,
    /// The organization.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// `active`, `suspended` or `deleted`.
    #[schema(example = "suspended")]
    status: &'static str,
}

impl OrgStatusChanged {
    /// This organization is in this state.
    pub(in crate::routes::org) fn new(org: OrgId, status: OrgStatus) -> Self {
        let status = status.as_str();
        Self { success: true, message: format!("The organization is {status}."), id: org.to_string(), status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_cannot_be_deleted_by_its_status() {
        for (status, fine) in
            [("active", true), ("suspended", true), ("deleted", false), ("Active", false), ("", false)]
        {
            assert_eq!(OrgStatus::try_from(SetStatus { status: status.to_owned() }).is_ok(), fine, "{status}");
        }
    }
}
