//! What a body wants of a plan.

use plan_core::{Feature, Plan, PlanDraft, PlanError, PlanId, PlanPatch};

use super::body::{PlanFields, PlanRequest};
use super::feature::FeatureField;
use crate::input::Fields;
use crate::problem::{Problem, plan_field};

/// What a [`PlanRequest`] asks for, and where in the body it stands.
pub(in crate::routes::subscriptions) struct PlanChange {
    fields: PlanFields,
    nest: Option<&'static str>,
    version: Option<u32>,
}

impl TryFrom<PlanRequest> for PlanChange {
    type Error = Problem;

    fn try_from(PlanRequest { mut bare, nested }: PlanRequest) -> Result<Self, Problem> {
        let version = bare.version.take();
        let mut nested = nested.into_iter();
        let Some((nest, mut fields)) = nested.next() else { return Ok(Self { fields: bare, nest: None, version }) };
        let own = fields.version.take();
        let mut wrong = Fields::default();
        if nested.next().is_some() || bare != PlanFields::default() {
            wrong.wrong(&format!("/{nest}"), "ambiguous", "give the fields of the plan in one place");
        }
        if own.zip(version).is_some_and(|(own, version)| own != version) {
            wrong.wrong("/version", "ambiguous", "is given twice, and not the same one");
        }
        wrong.done(Some(Self { fields, nest: Some(nest), version: version.or(own) }))
    }
}

impl PlanChange {
    /// The version that the plan must have.
    pub(in crate::routes::subscriptions) const fn version(&self) -> Option<u32> {
        self.version
    }

    /// A new plan.
    pub(in crate::routes::subscriptions) fn draft(&self) -> Result<PlanDraft, Problem> {
        let named = self.id().map(|(_, id)| id.to_owned());
        let id = named.or_else(|| self.fields.name.clone().filter(|name| name.parse::<PlanId>().is_ok()));
        let values = self.patch(id.as_deref(), &[])?;
        Ok(PlanDraft { id: id.unwrap_or_default(), values })
    }

    /// A change of this plan.
    pub(in crate::routes::subscriptions) fn update(&self, now: &Plan) -> Result<PlanPatch, Problem> {
        if let Some((field, _)) = self.id().filter(|(_, other)| *other != now.id.as_str()) {
            return Err(Problem::invalid_field(&self.pointer(field), "a plan keeps its name for ever"));
        }
        self.patch(Some(now.id.as_str()), &now.features)
    }

    /// Why it could not be done, by the names that the body used.
    pub(in crate::routes::subscriptions) fn refusal(&self, error: PlanError) -> Problem {
        match error {
            PlanError::Invalid(wrong) => {
                let told = |(field, why)| plan_field(&self.pointer(self.spelled(field)), why);
                Problem::invalid(wrong.iter().map(|(field, why)| told((*field, why))).collect())
            }
            other => other.into(),
        }
    }

    fn pointer(&self, field: &str) -> String {
        self.nest.map_or_else(|| format!("/{field}"), |nest| format!("/{nest}/{field}"))
    }

    /// The plan's name for ever, and the field that has it.
    fn id(&self) -> Option<(&'static str, &str)> {
        self.ids().next()
    }

    fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let PlanFields { id, plan_code, tier_code, .. } = &self.fields;
        let all = [("id", id), ("plan_code", plan_code), ("tier_code", tier_code)];
        all.into_iter().filter_map(|(field, text)| text.as_deref().map(|text| (field, text)))
    }

    /// What the body calls a field of the plan.
    fn spelled(&self, field: &'static str) -> &'static str {
        let PlanFields { display_name, price_monthly, price_yearly, .. } = &self.fields;
        match field {
            "id" => self.id().map_or("id", |(field, _)| field),
            "name" if display_name.is_some() => "display_name",
            "price_monthly_cents" if price_monthly.is_some() => "price_monthly",
            "price_yearly_cents" if price_yearly.is_some() => "price_yearly",
            other => other,
        }
    }

    fn patch(&self, id: Option<&str>, known: &[Feature]) -> Result<PlanPatch, Problem> {
        let mut wrong = Fields::default();
        for (field, _) in self.ids().filter(|(_, other)| Some(*other) != id) {
            wrong.wrong(&self.pointer(field), "ambiguous", "names another plan than the field before it");
        }
        let title = self.title(id, &mut wrong);
        let fields = &self.fields;
        let month = self.price("price_monthly", fields.price_monthly, fields.price_monthly_cents, &mut wrong);
        let year = self.price("price_yearly", fields.price_yearly, fields.price_yearly_cents, &mut wrong);
        let features = fields.features.as_ref();
        let fields = fields.clone();
        wrong.done(Some(PlanPatch {
            name: title,
            description: fields.description,
            level: fields.level,
            price_monthly_cents: month,
            price_yearly_cents: year,
            currency: fields.currency,
            api_calls_limit: fields.api_calls_limit,
            daily_limit: fields.daily_limit,
            per_user_limit: fields.per_user_limit,
            rate_limit: fields.rate_limit,
            concurrent_searches: fields.concurrent_searches,
            team_seats: fields.team_seats,
            byok_enabled: fields.byok_enabled,
            services: fields.services,
            features: features.map(|list| list.iter().map(|field| feature(field, known)).collect()),
            priority_support: fields.priority_support,
            trial_days: fields.trial_days,
            is_public: fields.is_public,
            is_popular: fields.is_popular,
            is_active: fields.is_active,
            stripe_price_id: fields.stripe_price_id,
            stripe_annual_price_id: fields.stripe_annual_price_id,
            lago_plan_code: fields.lago_plan_code,
        }))
    }

    /// What people read. Older consoles give the plan's id as `name` and the text as `display_name`.
    fn title(&self, id: Option<&str>, wrong: &mut Fields) -> Option<String> {
        let PlanFields { name, display_name, .. } = &self.fields;
        if let (Some(name), Some(display)) = (name, display_name)
            && name != display
            && Some(name.as_str()) != id
        {
            wrong.wrong(&self.pointer("name"), "ambiguous", "says something else than display_name");
        }
        display_name.clone().or_else(|| name.clone())
    }

    /// A price in minor units, however the body gives it.
    fn price(&self, field: &str, amount: Option<f64>, minor: Option<i64>, wrong: &mut Fields) -> Option<i64> {
        let read = wrong.read_some(&self.pointer(field), amount, cents);
        if let (Some(read), Some(minor)) = (read, minor)
            && read != minor
        {
            wrong.wrong(&self.pointer(&format!("{field}_cents")), "ambiguous", &format!("is not the same as {field}"));
        }
        read.or(minor)
    }
}

/// What a plan's page promises; of a name alone, the rest is as it was.
fn feature(field: &FeatureField, known: &[Feature]) -> Feature {
    match field {
        FeatureField::Whole(feature) => feature.clone(),
        FeatureField::Name(name) => known
            .iter()
            .find(|feature| feature.name == *name)
            .cloned()
            .unwrap_or_else(|| Feature { name: name.clone(), category: String::new(), description: String::new() }),
    }
}

/// Minor units of an amount. It is read as it is written, so that no cent is lost in binary.
fn cents(amount: f64) -> Result<i64, &'static str> {
    let text = amount.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let minor = if part.len() <= 2 { format!("{whole}{part:0<2}").parse().ok() } else { None };
    minor.ok_or("must be an amount with at most two decimals, as 19.00")
}

#[cfg(test)]
mod tests;
