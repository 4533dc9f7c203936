//! What an organization pays for and how much it is used.

use std::collections::BTreeMap;

use kernel::Role;
use org_core::{Entitlement, OrgView};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::{decimal, time};

/// An organization's subscription and what it has used.
#[derive(Serialize, ToSchema)]
#[schema(as = OrgBilling)]
pub(in crate::routes::org) struct BillingBody {
    /// Its plan.
    #[schema(example = "free")]
    plan_tier: String,
    /// The organization's state: `active` or `suspended`.
    #[schema(example = "active")]
    status: &'static str,
    /// When the organization was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// Its customer id at Lago.
    #[schema(example = json!(null))]
    lago_customer_id: Option<String>,
    /// Its customer id at Stripe.
    #[schema(example = json!(null))]
    stripe_customer_id: Option<String>,
    /// The subscription.
    subscription: SubscriptionBody,
    /// What was used of it.
    usage: UsageBody,
    /// What was billed, newest first.
    #[schema(value_type = Vec<Object>, example = json!([]))]
    invoices: Vec<Value>,
    /// How it is paid.
    #[serde(rename = "paymentMethod")]
    #[schema(value_type = Option<Object>, example = json!(null))]
    payment_method: Option<Value>,
}

/// A subscription.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgSubscription)]
struct SubscriptionBody {
    /// The plan's code.
    #[schema(example = "free")]
    plan: String,
    /// `active`, …
    #[schema(example = "active")]
    status: String,
    /// How many seats the plan has.
    #[schema(example = 5)]
    seats: u32,
    /// How many of them are taken: by members and by open invitations.
    #[schema(example = 4)]
    seats_used: u64,
    /// What one interval costs, in `currency`.
    #[schema(example = 19.0)]
    amount: f64,
    /// The same in minor units.
    #[schema(example = 1900)]
    amount_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `month` or `year`.
    #[schema(example = "month")]
    interval: String,
    /// When the next interval is billed.
    #[schema(format = DateTime, example = json!(null))]
    next_billing_date: Option<String>,
    /// Whether it ends with this interval.
    #[schema(example = false)]
    cancel_at_period_end: bool,
}

/// Calls in this period.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgUsage)]
struct UsageBody {
    /// Used so far.
    #[schema(example = 120)]
    api_calls: u64,
    /// At most; -1 is without limit.
    #[schema(example = 1000)]
    api_calls_limit: i64,
}

/// Counts of an organization.
#[derive(Serialize, ToSchema)]
#[schema(as = OrgStats)]
pub(in crate::routes::org) struct StatsBody {
    /// Members, disabled accounts included.
    #[schema(example = 4)]
    total_members: u64,
    /// `total_members` again.
    #[serde(rename = "totalMembers")]
    #[schema(example = 4)]
    total_members_again: u64,
    /// Members whose account is enabled.
    #[schema(example = 3)]
    active_members: u64,
    /// `active_members` again.
    #[serde(rename = "activeMembers")]
    #[schema(example = 3)]
    active_members_again: u64,
    /// Members who may manage members: owners and admins.
    #[schema(example = 2)]
    admins: u64,
    /// Open invitations.
    #[schema(example = 1)]
    pending_invites: u64,
    /// `pending_invites` again.
    #[serde(rename = "pendingInvites")]
    #[schema(example = 1)]
    pending_invites_again: u64,
    /// Members by role; every role is there.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"owner": 1, "admin": 1, "billing_admin": 0, "member": 2}))]
    members_by_role: BTreeMap<&'static str, u64>,
    /// Calls in this period so far.
    #[schema(example = 120)]
    api_calls_used: u64,
    /// Calls in a period at most; -1 is without limit.
    #[schema(example = 1000)]
    api_calls_limit: i64,
    /// How many providers the organization has its own keys for.
    #[schema(example = 2)]
    byok_providers: usize,
    /// When the organization was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// Its plan.
    #[schema(example = "free")]
    plan_tier: String,
    /// `active` or `suspended`.
    #[schema(example = "active")]
    status: &'static str,
    /// Its name.
    #[schema(example = "Acme")]
    organization_name: String,
}

impl From<OrgView> for BillingBody {
    fn from(view: OrgView) -> Self {
        let plan = view.entitlement;
        let usage = UsageBody { api_calls: plan.api_calls_used, api_calls_limit: limit(&plan) };
        Self {
            plan_tier: plan.tier.clone(),
            status: view.org.status.as_str(),
            created_at: time(view.org.created_at),
            lago_customer_id: None,
            stripe_customer_id: None,
            subscription: SubscriptionBody {
                plan: plan.tier,
                status: plan.subscription_status,
                seats: plan.seats,
                seats_used: view.stats.total_members + view.stats.pending_invites,
                amount: decimal(plan.price_cents),
                amount_cents: plan.price_cents,
                currency: plan.currency,
                interval: plan.interval,
                next_billing_date: None,
                cancel_at_period_end: false,
            },
            usage,
            invoices: Vec::new(),
            payment_method: None,
        }
    }
}

impl StatsBody {
    /// Of this organization, which has keys of its own for so many providers.
    pub(in crate::routes::org) fn new(view: OrgView, byok_providers: usize) -> Self {
        let stats = view.stats;
        Self {
            total_members: stats.total_members,
            total_members_again: stats.total_members,
            active_members: stats.active_members,
            active_members_again: stats.active_members,
            admins: stats.with_role(Role::Owner) + stats.with_role(Role::Admin),
            pending_invites: stats.pending_invites,
            pending_invites_again: stats.pending_invites,
            members_by_role: stats.members_by_role,
            api_calls_used: view.entitlement.api_calls_used,
            api_calls_limit: limit(&view.entitlement),
            byok_providers,
            created_at: time(view.org.created_at),
            plan_tier: view.entitlement.tier,
            status: view.org.status.as_str(),
            organization_name: view.org.name.as_str().to_owned(),
        }
    }
}

/// The limit of calls on the wire: -1 is without limit.
fn limit(plan: &Entitlement) -> i64 {
    plan.api_calls_limit.map_or(-1, |calls| i64::try_from(calls).unwrap_or(i64::MAX))
}
