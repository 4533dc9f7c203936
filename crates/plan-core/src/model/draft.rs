use kernel::{Limit, ServiceName, plain_line, plain_text};

use super::{
    field::{Fields, Invalid, filled, number, stripe_price, title, within},
    plan::{Allowances, Feature, Plan, PlanId, Price, ProviderIds},
    service::Service,
};
use crate::error::FieldError;

/// The largest price, in minor units: a million of them still add up within 64 bits.
const MAX_PRICE: i64 = 1_000_000_000_000;
const MAX_LEVEL: i64 = 100;
const MAX_SEATS: i64 = 1_000_000;
const MAX_TRIAL_DAYS: i64 = 3650;
const MAX_FEATURES: usize = 100;

/// A change of a plan, as it was asked for: what is `None` stays, `Some(None)` empties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanPatch {
    /// `name`: 1 to 100 characters.
    pub name: Option<String>,
    /// `description`: at most 500 characters.
    pub description: Option<String>,
    /// `level`: 0 to 100.
    pub level: Option<i64>,
    /// `price_monthly_cents`: minor units, not negative.
    pub price_monthly_cents: Option<i64>,
    /// `price_yearly_cents`: minor units, not negative.
    pub price_yearly_cents: Option<i64>,
    /// `currency`: ISO 4217, upper case.
    pub currency: Option<String>,
    /// `api_calls_limit`: calls in a month; -1 is unlimited, here and below.
    pub api_calls_limit: Option<i64>,
    /// `daily_limit`: calls in a day.
    pub daily_limit: Option<i64>,
    /// `per_user_limit`: calls of one member in a month.
    pub per_user_limit: Option<i64>,
    /// `rate_limit`: requests of one user in a minute.
    pub rate_limit: Option<i64>,
    /// `concurrent_searches`: searches at once.
    pub concurrent_searches: Option<i64>,
    /// `team_seats`: 1 or more.
    pub team_seats: Option<i64>,
    /// `byok_enabled`.
    pub byok_enabled: Option<bool>,
    /// `services`: names of services of the catalogue, in any order.
    pub services: Option<Vec<String>>,
    /// `features`: at most 100; names of 1 to 100, categories of at most 100, descriptions of at most 500 characters.
    pub features: Option<Vec<Feature>>,
    /// `priority_support`.
    pub priority_support: Option<bool>,
    /// `trial_days`: 0 for a plan that is no trial.
    pub trial_days: Option<i64>,
    /// `is_public`.
    pub is_public: Option<bool>,
    /// `is_popular`.
    pub is_popular: Option<bool>,
    /// `is_active`: a retired plan comes back with `true`; an active one is not retired with `false`.
    pub is_active: Option<bool>,
    /// `stripe_price_id`: `price_…`.
    pub stripe_price_id: Option<Option<String>>,
    /// `stripe_annual_price_id`: `price_…`.
    pub stripe_annual_price_id: Option<Option<String>>,
    /// `lago_plan_code`: at most 255 characters.
    pub lago_plan_code: Option<Option<String>>,
}

/// A new plan, as it was asked for. It must have a name, a monthly price and a monthly limit. What else is left out is as on the
/// smallest plan: level 0, ten requests a minute, one search, one seat, no services; a year costs what twelve months cost, and only
/// the month counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanDraft {
    /// `id`: what the plan is called for ever.
    pub id: String,
    /// Everything else.
    pub values: PlanPatch,
}

impl PlanDraft {
    /// The plan, in its first version; or every field that is wrong.
    pub fn build(&self, services: &[Service]) -> Result<Plan, Invalid> {
        let mut fields = Fields::default();
        let id = fields.take("id", self.id.parse::<PlanId>().or(Err(FieldError::Name)));
        for (field, missing) in [
            ("name", self.values.name.is_none()),
            ("price_monthly_cents", self.values.price_monthly_cents.is_none()),
            ("api_calls_limit", self.values.api_calls_limit.is_none()),
        ] {
            fields.require(!missing, field, FieldError::Empty);
        }
        let month = self.values.price_monthly_cents.filter(|month| *month >= 0);
        let year = self.values.price_yearly_cents.or(month.map(|month| month.saturating_mul(12)));
        let plan = fields.apply(&PlanPatch { price_yearly_cents: year, ..self.values.clone() }, smallest(), services);
        match (id, fields.0.is_empty()) {
            (Some(id), true) => Ok(Plan { id, ..plan }),
            _ => Err(fields.0),
        }
    }
}

impl PlanPatch {
    /// The plan after this change, one version higher; or every field that is wrong.
    pub fn applied_to(&self, plan: &Plan, services: &[Service]) -> Result<Plan, Invalid> {
        let mut fields = Fields::default();
        fields.require(!plan.is_active || self.is_active != Some(false), "is_active", FieldError::Retire);
        let patched = fields.apply(self, plan.clone(), services);
        if fields.0.is_empty() {
            Ok(Plan { version: plan.version.saturating_add(1), ..patched })
        } else {
            Err(fields.0)
        }
    }
}

impl Feature {
    /// The feature, trimmed; or every field that is wrong.
    pub fn checked(&self) -> Result<Self, Invalid> {
        let mut fields = Fields::default();
        let name = fields.take("name", title(&self.name));
        let category = fields.take("category", plain_line(&self.category, 100).map_err(FieldError::from));
        let description = fields.take("description", plain_text(&self.description, 500).map_err(FieldError::from));
        match (name, category, description) {
            (Some(name), Some(category), Some(description)) => Ok(Self { name, category, description }),
            _ => Err(fields.0),
        }
    }
}

/// What a draft is a change of.
fn smallest() -> Plan {
    Plan {
        id: PlanId::unnamed(),
        name: String::new(),
        description: String::new(),
        level: 0,
        price: Price { monthly_cents: 0, yearly_cents: 0, currency: "USD".to_owned() },
        allowances: Allowances {
            monthly: Limit::Of(0),
            daily: Limit::Unlimited,
            per_user: Limit::Unlimited,
            rate_per_minute: Limit::Of(10),
            concurrent_searches: Limit::Of(1),
            seats: 1,
            byok: false,
        },
        services: Vec::new(),
        features: Vec::new(),
        priority_support: false,
        trial_days: 0,
        is_public: true,
        is_popular: false,
        is_active: true,
        provider_ids: ProviderIds::default(),
        version: 1,
    }
}

impl Fields {
    /// The plan with what the patch names and its fields can hold.
    fn apply(&mut self, patch: &PlanPatch, mut plan: Plan, services: &[Service]) -> Plan {
        self.words(patch, &mut plan);
        self.numbers(patch, &mut plan);
        self.set("services", patch.services.as_ref(), &mut plan.services, |names| known(names, services));
        self.set("features", patch.features.as_ref(), &mut plan.features, |list| features(list));
        let ids = &mut plan.provider_ids;
        for (field, value, to) in [
            ("stripe_price_id", &patch.stripe_price_id, &mut ids.stripe_price),
            ("stripe_annual_price_id", &patch.stripe_annual_price_id, &mut ids.stripe_annual_price),
        ] {
            self.set(field, value.as_ref(), to, |id| stripe_price(id.as_deref()));
        }
        self.set("lago_plan_code", patch.lago_plan_code.as_ref(), &mut ids.lago_plan, |code| {
            Ok(filled(code.as_deref()).map(|code| plain_line(code, 255)).transpose()?)
        });
        plan.allowances.byok = patch.byok_enabled.unwrap_or(plan.allowances.byok);
        plan.priority_support = patch.priority_support.unwrap_or(plan.priority_support);
        plan.is_public = patch.is_public.unwrap_or(plan.is_public);
        plan.is_popular = patch.is_popular.unwrap_or(plan.is_popular);
        plan.is_active = patch.is_active.unwrap_or(plan.is_active);
        plan
    }

    fn words(&mut self, patch: &PlanPatch, plan: &mut Plan) {
        self.set("name", patch.name.as_ref(), &mut plan.name, |name| title(name));
        self.set("description", patch.description.as_ref(), &mut plan.description, |text| Ok(plain_text(text, 500)?));
        self.set("currency", patch.currency.as_ref(), &mut plan.price.currency, |code| {
            let good = code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase());
            if good { Ok(code.clone()) } else { Err(FieldError::Currency) }
        });
    }

    fn numbers(&mut self, patch: &PlanPatch, plan: &mut Plan) {
        let (price, gives) = (&mut plan.price, &mut plan.allowances);
        let cents = |cents: &i64| within(*cents, 0, MAX_PRICE).ok_or(FieldError::Range(MAX_PRICE));
        self.set("level", patch.level.as_ref(), &mut plan.level, |level| number(*level, MAX_LEVEL));
        self.set("price_monthly_cents", patch.price_monthly_cents.as_ref(), &mut price.monthly_cents, cents);
        self.set("price_yearly_cents", patch.price_yearly_cents.as_ref(), &mut price.yearly_cents, cents);
        for (field, value, to) in [
            ("api_calls_limit", patch.api_calls_limit, &mut gives.monthly),
            ("daily_limit", patch.daily_limit, &mut gives.daily),
            ("per_user_limit", patch.per_user_limit, &mut gives.per_user),
            ("rate_limit", patch.rate_limit, &mut gives.rate_per_minute),
            ("concurrent_searches", patch.concurrent_searches, &mut gives.concurrent_searches),
        ] {
            self.set(field, value.as_ref(), to, |limit| Limit::from_i64(*limit).ok_or(FieldError::Limit));
        }
        self.set("team_seats", patch.team_seats.as_ref(), &mut gives.seats, |seats| {
            let seats = within(*seats, 1, MAX_SEATS).and_then(|seats| u32::try_from(seats).ok());
            seats.ok_or(FieldError::Seats(MAX_SEATS))
        });
        self.set("trial_days", patch.trial_days.as_ref(), &mut plan.trial_days, |days| number(*days, MAX_TRIAL_DAYS));
    }
}

/// Sorted, each once, all of the catalogue; the error names the first that is not.
fn known(names: &[String], services: &[Service]) -> Result<Vec<ServiceName>, FieldError> {
    let find = |name: &String| {
        let service = services.iter().find(|service| service.name.as_str() == name);
        service.map(|service| service.name.clone()).ok_or_else(|| FieldError::UnknownService(name.clone()))
    };
    let mut known = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    known.sort();
    known.dedup();
    Ok(known)
}

fn features(list: &[Feature]) -> Result<Vec<Feature>, FieldError> {
    if list.len() > MAX_FEATURES {
        return Err(FieldError::TooMany(MAX_FEATURES));
    }
    let first = |wrong: Invalid| wrong.into_iter().next().map_or(FieldError::Empty, |(_, error)| error);
    list.iter().map(|feature| feature.checked().map_err(first)).collect()
}
