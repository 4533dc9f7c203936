//! What an organization's plan gives to its people.

use billing_core::PaymentProvider;
use kernel::PlatformRole;
use plan_core::{Source, Standing, SubscriptionStatus};
use serde::Serialize;
use usage_core::Tally;
use utoipa::ToSchema;

use super::super::found::Found;
use super::plan::{PlanBody, feature_names};
use super::service::ServiceBody;
use super::trace::TraceStep;
use crate::routes::billing::{external, next_payment};
use crate::wire::{decimal, time};

/// The organization's subscription, the plan that counts, and what was used of it.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::subscriptions) struct MyAccess {
    /// The organization.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: String,
    /// Whether somebody chose a plan for it that has not ended; else it has what every organization begins with.
    #[schema(example = true)]
    has_subscription: bool,
    /// The plan that counts.
    #[schema(example = "starter")]
    tier: String,
    /// `tier` again.
    #[schema(example = "starter")]
    tier_code: String,
    /// What people call it.
    #[schema(example = "Starter")]
    tier_name: String,
    /// `tier` again.
    #[schema(example = "starter")]
    plan_code: String,
    /// `tier_name` again.
    #[schema(example = "Starter")]
    plan_name: String,
    /// The same plan in full.
    plan: PlanBody,
    /// What a month of it costs, in its currency.
    #[schema(example = 19.0)]
    price: f64,
    /// `active`, `trialing`, `past_due`, `unpaid`, `suspended` or `canceled`.
    #[schema(example = "active")]
    status: &'static str,
    /// `monthly` or `yearly`.
    #[schema(example = "monthly")]
    billing_cycle: &'static str,
    /// When the next payment is due; null while nobody is billed.
    #[schema(format = DateTime, example = json!(null))]
    next_billing_date: Option<String>,
    /// When a trial ends.
    #[schema(format = DateTime, example = json!(null))]
    trial_ends_at: Option<String>,
    /// Whether it ends with this period.
    #[schema(example = false)]
    cancel_at_period_end: bool,
    /// The plan that follows with the next period, if one was chosen.
    #[schema(example = json!(null))]
    pending_change: Option<String>,
    /// The services that the plan opens.
    services: Vec<ServiceBody>,
    /// What the plan's page promises.
    #[schema(example = json!(["Search", "Keys of your own"]))]
    features: Vec<String>,
    /// What was used in this period.
    usage: AccessUsage,
    /// The person.
    user: AccessUser,
    /// Who bills the subscription: `stripe`, `lago`, or `manual`, which is the operator.
    #[schema(example = "manual")]
    provider: Option<&'static str>,
    /// The subscription's id at Stripe.
    #[schema(example = json!(null))]
    external_id: Option<String>,
    /// The subscription's id at Lago.
    #[schema(example = json!(null))]
    lago_id: Option<String>,
}

/// Calls of the organization in the month of its subscription.
#[derive(Serialize, ToSchema)]
struct AccessUsage {
    /// Used so far.
    #[schema(example = 120)]
    api_calls_used: u64,
    /// At most; -1 is unlimited.
    #[schema(example = 1000)]
    api_calls_limit: i64,
    /// The first moment of the month.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    period_start: String,
    /// The first moment of the next one.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    period_end: String,
}

/// Who asks, or is asked about.
#[derive(Serialize, ToSchema)]
struct AccessUser {
    /// What they may do on the platform: `admin`, `user` or `viewer`.
    #[schema(example = "user")]
    role: &'static str,
    /// The plan that counts.
    #[schema(example = "starter")]
    subscription_tier: String,
    /// Whether they operate the platform.
    #[schema(example = false)]
    is_admin: bool,
}

impl MyAccess {
    /// What an organization that stands so gives to somebody of this role.
    pub(in crate::routes::subscriptions) fn new(found: &Found, role: PlatformRole) -> Self {
        let Found { standing, tally, account } = found;
        let Standing { subscription, status, plan, catalogue, .. } = standing;
        let live = account.live();
        let (tier, name) = (plan.id.to_string(), plan.name.clone());
        let has_subscription = subscription.source != Source::Default && *status != SubscriptionStatus::Canceled;
        // What an administrator gave is nobody's to bill but the operator's.
        let given = has_subscription.then_some(PaymentProvider::Manual);
        Self {
            org_id: subscription.org.to_string(),
            has_subscription,
            tier: tier.clone(),
            tier_code: tier.clone(),
            tier_name: name.clone(),
            plan_code: tier.clone(),
            plan_name: name,
            plan: PlanBody::new(plan),
            price: decimal(plan.price.monthly_cents),
            status: status.as_str(),
            billing_cycle: live.map_or("monthly", |live| live.cycle.as_str()),
            next_billing_date: live.and_then(next_payment).map(time),
            trial_ends_at: subscription.trial_ends_at.map(time),
            cancel_at_period_end: live.is_some_and(|live| live.cancel_at_period_end),
            pending_change: live.and_then(|live| Some(live.pending.as_ref()?.plan.clone())),
            services: ServiceBody::opened_by(plan, catalogue),
            features: feature_names(plan),
            usage: tally.into(),
            user: AccessUser { role: role.as_str(), subscription_tier: tier, is_admin: role == PlatformRole::Admin },
            provider: live.map(|_| account.provider).or(given).map(PaymentProvider::as_str),
            external_id: external(account, PaymentProvider::Stripe),
            lago_id: external(account, PaymentProvider::Lago),
        }
    }
}

impl From<&Tally> for AccessUsage {
    fn from(tally: &Tally) -> Self {
        Self {
            api_calls_used: tally.month.used,
            api_calls_limit: tally.month.limit.to_i64(),
            period_start: time(tally.month.period.start),
            period_end: time(tally.month.period.end),
        }
    }
}

/// What a user's organization gives them, and why.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::subscriptions) struct UserAccess {
    #[serde(flatten)]
    access: MyAccess,
    /// How this was found, step by step: the plan, what it opens, what is left of it.
    decision_trace: Vec<TraceStep>,
}

impl UserAccess {
    /// This, for these reasons.
    pub(in crate::routes::subscriptions) const fn new(access: MyAccess, decision_trace: Vec<TraceStep>) -> Self {
        Self { access, decision_trace }
    }
}
