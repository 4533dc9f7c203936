use std::{fmt, str::FromStr};

use kernel::{Limit, ServiceName};

/// The text cannot name a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 of the characters a-z, 0-9 and '-', beginning and ending with a letter or digit")]
pub struct BadPlanId;

/// What a plan is called for ever: `free`, `starter`, `founders-friend`. Also the name of its tier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanId(String);

impl PlanId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Stands in while the fields of a draft are judged beside its name.
    pub(super) const fn unnamed() -> Self {
        Self(String::new())
    }
}

impl FromStr for PlanId {
    type Err = BadPlanId;
    fn from_str(text: &str) -> Result<Self, BadPlanId> {
        // Plans and services are spelled alike.
        text.parse::<ServiceName>().map(|_| Self(text.to_owned())).or(Err(BadPlanId))
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that a plan's page promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its name: `byok`, `priority-support`.
    pub name: String,
    /// The heading it stands under.
    pub category: String,
    /// One sentence about it.
    pub description: String,
}

/// What a plan gives to an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowances {
    /// Calls in a month of the subscription.
    pub monthly: Limit,
    /// Calls in a day, UTC; `Unlimited` where only the month counts.
    pub daily: Limit,
    /// Calls of one member in a month of the subscription; `Unlimited` where members share freely.
    pub per_user: Limit,
    /// Requests of one user in a minute.
    pub rate_per_minute: Limit,
    /// Searches that may run at once.
    pub concurrent_searches: Limit,
    /// Members and open invitations.
    pub seats: u32,
    /// Whether the organization may use provider keys of its own.
    pub byok: bool,
}

/// What a plan costs, in minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// For a month, in minor units, never negative.
    pub monthly_cents: i64,
    /// For a year, in minor units, never negative.
    pub yearly_cents: i64,
    /// ISO 4217, upper case.
    pub currency: String,
}

/// By which names payment providers know a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderIds {
    /// Stripe's price for a month, `price_…`.
    pub stripe_price: Option<String>,
    /// Stripe's price for a year, `price_…`.
    pub stripe_annual_price: Option<String>,
    /// Lago's plan code.
    pub lago_plan: Option<String>,
}

/// A plan of the catalogue. Built and changed through [`crate::PlanDraft`], so that one that exists is a good one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own that a plan answers")]
pub struct Plan {
    /// Its name for ever.
    pub id: PlanId,
    /// What people read.
    pub name: String,
    /// One or two sentences, at most 500 characters.
    pub description: String,
    /// How high it stands: a service's gate compares levels, 0 to 100. Several plans may share one.
    pub level: u8,
    /// What it costs.
    pub price: Price,
    /// What it gives.
    pub allowances: Allowances,
    /// The services it opens, sorted.
    pub services: Vec<ServiceName>,
    /// What its page promises.
    pub features: Vec<Feature>,
    /// Whether its customers are answered first.
    pub priority_support: bool,
    /// The days a trial of it lasts; 0 for a plan that is no trial.
    pub trial_days: u16,
    /// Whether strangers see it.
    pub is_public: bool,
    /// Whether its page is to catch the eye.
    pub is_popular: bool,
    /// Whether it can be chosen; a retired plan stays with those who have it.
    pub is_active: bool,
    /// What payment providers call it.
    pub provider_ids: ProviderIds,
    /// Grows by one with each change; the first is 1.
    pub version: u32,
}

impl Plan {
    /// Whether this plan opens a service.
    pub fn opens(&self, service: &ServiceName) -> bool {
        self.services.binary_search(service).is_ok()
    }

    /// Whether it costs nothing.
    pub const fn is_free(&self) -> bool {
        self.price.monthly_cents == 0 && self.price.yearly_cents == 0
    }
}
