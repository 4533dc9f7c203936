//! What an organization pays for.

use billing_core::{Account, PaidSubscription, PaymentProvider, PaymentStatus};
use kernel::Timestamp;
use plan_core::Standing;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::names::Names;
use super::money::major;
use crate::wire::time;

/// When the next payment is due, if one will be.
pub(in crate::routes) fn next_payment(subscription: &PaidSubscription) -> Option<Timestamp> {
    let due = match subscription.status {
        PaymentStatus::Trialing => subscription.trial_ends_at.unwrap_or(subscription.period.end),
        PaymentStatus::Active | PaymentStatus::PastDue => subscription.period.end,
        PaymentStatus::Incomplete
        | PaymentStatus::IncompleteExpired
        | PaymentStatus::Canceled
        | PaymentStatus::Unpaid
        | PaymentStatus::Paused => return None,
    };
    (!subscription.cancel_at_period_end).then_some(due)
}

/// The subscription's name at this provider, if it is the one who takes the money.
pub(in crate::routes) fn external(account: &Account, provider: PaymentProvider) -> Option<String> {
    let live = account.live().filter(|_| account.provider == provider)?;
    live.external.clone()
}

/// What an organization pays for, or is to pay for.
#[derive(Serialize, ToSchema)]
#[schema(as = PaidSubscription)]
pub(in crate::routes) struct SubscriptionBody {
    /// Its name here.
    #[schema(example = "sub_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its name at the payment provider; the manual one has none.
    #[schema(example = json!(null))]
    external_id: Option<String>,
    /// Who takes the money: `stripe`, `lago` or `manual`.
    #[schema(example = "manual")]
    provider: &'static str,
    /// `incomplete`, `incomplete_expired`, `trialing`, `active`, `past_due`, `canceled`, `unpaid` or `paused`.
    #[schema(example = "active")]
    status: &'static str,
    /// The plan that is paid for.
    #[schema(example = "starter")]
    tier: String,
    /// `tier` again.
    #[schema(example = "starter")]
    plan_code: String,
    /// What people call it.
    #[schema(example = "Starter")]
    tier_name: String,
    /// `monthly` or `yearly`.
    #[schema(example = "monthly")]
    billing_cycle: &'static str,
    /// What a cycle costs, in `currency`.
    #[schema(example = 19.0)]
    amount: f64,
    /// The same in minor units.
    #[schema(example = 1900)]
    amount_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// When the period began that is paid, or is to be paid.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    current_period_start: String,
    /// When it ends.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    current_period_end: String,
    /// When the next payment is due, if one will be.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    next_billing_date: Option<String>,
    /// Whether it ends with its period.
    #[schema(example = false)]
    cancel_at_period_end: bool,
    /// When a trial ends.
    #[schema(format = DateTime, example = json!(null))]
    trial_ends_at: Option<String>,
    /// The plan that follows, if one was agreed.
    #[schema(example = json!(null))]
    pending_change: Option<String>,
    /// When it follows; null while its invoice is to be paid.
    #[schema(format = DateTime, example = json!(null))]
    pending_change_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime, example = json!(null))]
    ended_at: Option<String>,
}

impl SubscriptionBody {
    /// What this account pays for, or paid for last.
    pub(in crate::routes) fn of(account: &Account, names: &Names) -> Option<Self> {
        let it = account.subscription.as_ref()?;
        Some(Self {
            id: it.id.to_string(),
            external_id: it.external.clone(),
            provider: account.provider.as_str(),
            status: it.status.as_str(),
            tier: it.plan.clone(),
            plan_code: it.plan.clone(),
            tier_name: names.of(&it.plan),
            billing_cycle: it.cycle.as_str(),
            amount: major(it.amount),
            amount_cents: it.amount.minor,
            currency: it.amount.currency.to_string(),
            current_period_start: time(it.period.start),
            current_period_end: time(it.period.end),
            next_billing_date: next_payment(it).map(time),
            cancel_at_period_end: it.cancel_at_period_end,
            trial_ends_at: it.trial_ends_at.map(time),
            pending_change: it.pending.as_ref().map(|pending| pending.plan.clone()),
            pending_change_at: it.pending.as_ref().and_then(|pending| pending.at).map(time),
            ended_at: it.ended_at.map(time),
        })
    }
}

/// What an organization pays for, in a list.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::billing) struct SubscriptionStatusBody {
    /// Whether it pays, or is to pay, for anything.
    #[schema(example = true)]
    has_subscription: bool,
    /// The plan that counts now.
    #[schema(example = "starter")]
    current_tier: String,
    /// The state of what is paid for; without that, of what was given.
    #[schema(example = "active")]
    status: &'static str,
    /// What is paid for: one, or none.
    subscriptions: Vec<SubscriptionBody>,
}

impl SubscriptionStatusBody {
    /// Of an organization that stands so.
    pub(in crate::routes::billing) fn new(account: &Account, standing: &Standing, names: &Names) -> Self {
        let live = account.live();
        Self {
            has_subscription: live.is_some(),
            current_tier: standing.plan.id.to_string(),
            status: live.map_or(standing.status.as_str(), |live| live.status.as_str()),
            subscriptions: live.and_then(|_| SubscriptionBody::of(account, names)).into_iter().collect(),
        }
    }
}
