//! What an organization pays for and how much it is used.

use std::collections::BTreeMap;

use billing_core::{Cycle, PaymentProvider};
use kernel::{Role, Timestamp};
use org_core::{Entitlement, OrgView};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::customer;
use crate::routes::billing::{Bill, InvoiceBody, MethodBody, Names, external, major, next_payment};
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
    /// What was billed, newest first: the last ten. `GET /billing/invoices` has all.
    invoices: Vec<InvoiceBody>,
    /// What is charged by default.
    #[serde(rename = "paymentMethod")]
    payment_method: Option<MethodBody>,
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
    /// The plan that follows, if one was agreed.
    #[schema(example = json!(null))]
    pending_change: Option<String>,
    /// Who takes the money: `stripe`, `lago`, or `manual`, which is the operator.
    #[schema(example = "manual")]
    provider: &'static str,
    /// Its name at that provider.
    #[schema(example = json!(null))]
    external_id: Option<String>,
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

impl BillingBody {
    /// Of this organization, with what it pays.
    pub(in crate::routes::org) fn new(view: OrgView, bill: Bill, names: &Names, now: Timestamp) -> Self {
        let plan = view.entitlement;
        let account = &bill.status.account;
        let live = account.live();
        let amount = live.map(|live| live.amount);
        let usage = UsageBody { api_calls: plan.api_calls_used, api_calls_limit: limit(&plan) };
        Self {
            plan_tier: plan.tier.clone(),
            status: view.org.status.as_str(),
            created_at: time(view.org.created_at),
            lago_customer_id: customer(account, PaymentProvider::Lago),
            stripe_customer_id: customer(account, PaymentProvider::Stripe),
            subscription: SubscriptionBody {
                plan: plan.tier,
                status: plan.subscription_status,
                seats: plan.seats,
                seats_used: view.stats.total_members + view.stats.pending_invites,
                amount: amount.map_or_else(|| decimal(plan.price_cents), major),
                amount_cents: amount.map_or(plan.price_cents, |amount| amount.minor),
                currency: amount.map_or(plan.currency, |amount| amount.currency.to_string()),
                interval: live.map_or(plan.interval, |live| interval(live.cycle).to_owned()),
                next_billing_date: live.and_then(next_payment).map(time),
                cancel_at_period_end: live.is_some_and(|live| live.cancel_at_period_end),
                pending_change: live.and_then(|live| Some(live.pending.as_ref()?.plan.clone())),
                provider: account.provider.as_str(),
                external_id: external(account, account.provider),
            },
            usage,
            invoices: bill.invoices.iter().map(|invoice| InvoiceBody::new(invoice, names)).collect(),
            payment_method: bill.method.map(|method| MethodBody::new(method, now)),
        }
    }
}

const fn interval(cycle: Cycle) -> &'static str {
    match cycle {
        Cycle::Monthly => "month",
        Cycle::Yearly => "year",
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
