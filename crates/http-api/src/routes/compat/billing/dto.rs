use billing_core::{Account, Capabilities, Invoice, Money, PaymentProvider};
use plan_core::Standing;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::billing::{major, next_payment};
use crate::routes::subscriptions::{Eyes, PlanBody};
use crate::wire::{decimal, time};

/// The plans that the caller may see, the lowest first.
#[derive(Serialize, ToSchema)]
pub(super) struct BarePlans(Vec<PlanBody>);

impl BarePlans {
    /// Those that these eyes see.
    pub(super) fn new(eyes: &Eyes, administers: bool) -> Self {
        Self(eyes.plans().map(|plan| PlanBody::shown(plan, administers)).collect())
    }
}

/// The period that is paid for.
#[derive(Serialize, ToSchema)]
#[schema(as = BillingCycle)]
pub(super) struct CycleBody {
    /// Whether anything is paid for.
    #[schema(example = true)]
    has_cycle: bool,
    /// `monthly` or `yearly`.
    #[schema(example = "monthly")]
    billing_cycle: Option<&'static str>,
    /// When the period began.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    period_start: Option<String>,
    /// When it ends.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    period_end: Option<String>,
    /// When the next payment is due, if one will be.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    next_billing_date: Option<String>,
    /// What a period costs, in `currency`.
    #[schema(example = 19.0)]
    current_amount: f64,
    /// The same in minor units.
    #[schema(example = 1900)]
    current_amount_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Where it stands: `active`, `past_due`, …; `none` where nothing is paid for.
    #[schema(example = "active")]
    status: &'static str,
}

impl From<&Account> for CycleBody {
    fn from(account: &Account) -> Self {
        let live = account.live();
        let amount = live.map(|it| it.amount);
        Self {
            has_cycle: live.is_some(),
            billing_cycle: live.map(|it| it.cycle.as_str()),
            period_start: live.map(|it| time(it.period.start)),
            period_end: live.map(|it| time(it.period.end)),
            next_billing_date: live.and_then(next_payment).map(time),
            current_amount: amount.map_or(0.0, major),
            current_amount_cents: amount.map_or(0, |amount| amount.minor),
            currency: amount.map(|amount| amount.currency.to_string()),
            status: live.map_or("none", |it| it.status.as_str()),
        }
    }
}

/// What was paid. Of an organization that paid in several currencies, what it paid in the one of its newest invoice.
#[derive(Debug, Default)]
pub(super) struct Spent {
    invoices: u32,
    total: Option<Money>,
}

impl Spent {
    /// How many invoices were counted.
    pub(super) const fn invoices(&self) -> u32 {
        self.invoices
    }

    /// Counts these too.
    pub(super) fn add(&mut self, paid: &[Invoice]) {
        for invoice in paid {
            self.invoices = self.invoices.saturating_add(1);
            let total = self.total.get_or_insert(Money::zero(invoice.total.currency));
            if total.currency == invoice.total.currency {
                total.minor = total.minor.saturating_add(invoice.total.minor);
            }
        }
    }
}

/// What an organization pays, and has paid.
#[derive(Serialize, ToSchema)]
#[schema(as = BillingSummary)]
pub(super) struct SummaryBody {
    /// The plan that counts.
    #[schema(example = "starter")]
    tier: String,
    /// What people call it.
    #[schema(example = "Starter")]
    tier_name: String,
    /// What a period costs, in `currency`; of a plan that is not paid for, what a month would.
    #[schema(example = 19.0)]
    price: f64,
    /// The same in minor units.
    #[schema(example = 1900)]
    price_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `monthly` or `yearly`.
    #[schema(example = "monthly")]
    billing_cycle: &'static str,
    /// Where it stands.
    #[schema(example = "active")]
    status: &'static str,
    /// When the next payment is due, if one will be.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    next_billing_date: Option<String>,
    /// Whether it ends with its period.
    #[schema(example = false)]
    cancel_at_period_end: bool,
    /// What was paid, in the currency of the newest invoice.
    #[schema(example = 57.0)]
    total_spent: f64,
    /// The same in minor units.
    #[schema(example = 5700)]
    total_spent_cents: i64,
    /// How many invoices were paid.
    #[schema(example = 3)]
    paid_invoices: u32,
    /// Who takes the money: `stripe`, `lago` or `manual`.
    #[schema(example = "manual")]
    provider: &'static str,
}

impl SummaryBody {
    /// Of an organization that stands so.
    pub(super) fn new(standing: &Standing, account: &Account, spent: &Spent) -> Self {
        let (live, price) = (account.live(), &standing.plan.price);
        let amount = live.map(|it| it.amount);
        Self {
            tier: standing.plan.id.to_string(),
            tier_name: standing.plan.name.clone(),
            price: amount.map_or_else(|| decimal(price.monthly_cents), major),
            price_cents: amount.map_or(price.monthly_cents, |amount| amount.minor),
            currency: amount.map_or_else(|| price.currency.clone(), |amount| amount.currency.to_string()),
            billing_cycle: live.map_or("monthly", |it| it.cycle.as_str()),
            status: live.map_or(standing.status.as_str(), |it| it.status.as_str()),
            next_billing_date: live.and_then(next_payment).map(time),
            cancel_at_period_end: live.is_some_and(|it| it.cancel_at_period_end),
            total_spent: spent.total.map_or(0.0, major),
            total_spent_cents: spent.total.map_or(0, |total| total.minor),
            paid_invoices: spent.invoices,
            provider: account.provider.as_str(),
        }
    }
}

/// Who takes the money, and what it can do.
#[derive(Serialize, ToSchema)]
#[schema(as = BillingProvider)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own that a console asks")]
pub(super) struct ProviderBody {
    /// `stripe`, `lago` or `manual`.
    #[schema(example = "manual")]
    provider: &'static str,
    /// Whether plans are bought at a page of its own.
    #[schema(example = false)]
    supports_checkout: bool,
    /// Whether customers look after their payment at a page of its own.
    #[schema(example = false)]
    supports_portal: bool,
    /// Whether it keeps payment methods.
    #[schema(example = false)]
    supports_payment_methods: bool,
    /// Whether failed invoices can be charged again.
    #[schema(example = false)]
    supports_retry: bool,
}

impl ProviderBody {
    /// This one.
    pub(super) const fn new(provider: PaymentProvider, can: Capabilities) -> Self {
        Self {
            provider: provider.as_str(),
            supports_checkout: can.checkout,
            supports_portal: can.portal,
            supports_payment_methods: can.payment_methods,
            supports_retry: can.retry,
        }
    }
}
