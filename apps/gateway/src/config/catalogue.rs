//! The catalogue as people write it: plans and services in a TOML file, of which `catalogue.toml` is the shipped one.
//!
//! Everything that is wrong is told at once, each with its line, its plan or service and its field.

#[cfg(test)]
mod tests;

use plan_core::{Catalogue, Feature, Invalid, Plan, PlanDraft, PlanPatch, Service, ServiceDraft};
use toml::de::DeTable;

use super::ConfigError;
use super::page::{self, Entry, Page};

/// The catalogue that an installation begins with when it brings none of its own.
pub(crate) const SHIPPED: &str = include_str!("../catalogue.toml");

const SECTIONS: &[&str] = &["services", "plans"];
const SERVICE: &[&str] = &["display_name", "description", "icon", "url", "required_permission", "is_external"];
const PLAN: &[&str] = &[
    "name",
    "description",
    "level",
    "price_monthly_cents",
    "price_yearly_cents",
    "currency",
    "api_calls_limit",
    "daily_limit",
    "per_user_limit",
    "rate_limit",
    "concurrent_searches",
    "team_seats",
    "byok_enabled",
    "services",
    "features",
    "priority_support",
    "trial_days",
    "is_public",
    "is_popular",
    "is_active",
    "stripe_price_id",
    "stripe_annual_price_id",
    "lago_plan_code",
];
const FEATURE: &[&str] = &["name", "category", "description"];

/// Reads a catalogue. `origin` names the text in errors: the path of a file, or "the shipped catalogue".
pub(crate) fn read(text: &str, origin: &str) -> Result<Catalogue, ConfigError> {
    let mut page = Page::new(text, origin);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        page.syntax(error);
    }
    if !errors.is_empty() {
        // What could be read of a broken file would only be complained of for what is missing.
        return page.end(Catalogue::new(Vec::new(), Vec::new()));
    }
    let top = Entry::top(table.get_ref(), SECTIONS);
    top.refuse_unknown(&mut page);
    let services: Vec<Service> = top
        .tables(&mut page, "services", "service", SERVICE)
        .iter()
        .filter_map(|entry| service(&mut page, entry))
        .collect();
    let plans: Vec<Plan> = top
        .tables(&mut page, "plans", "plan", PLAN)
        .iter()
        .filter_map(|entry| plan(&mut page, entry, &services))
        .collect();
    if plans.is_empty() && page.is_good() {
        page.complain(1, "there is no plan: write at least one, such as [plans.free]".to_owned());
    }
    page.end(Catalogue::new(plans, services))
}

/// A service. One that is wrong is known to the plans by its name all the same.
fn service(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<Service> {
    let draft = ServiceDraft {
        service: entry.name().to_owned(),
        display_name: entry.text(page, "display_name").unwrap_or_default(),
        description: entry.text(page, "description").unwrap_or_default(),
        icon: entry.text(page, "icon"),
        url: entry.text(page, "url"),
        required_permission: entry.text(page, "required_permission"),
        is_external: entry.switch(page, "is_external").unwrap_or(false),
    };
    let bare = ServiceDraft { service: draft.service.clone(), display_name: "-".to_owned(), ..ServiceDraft::default() };
    draft.build().map_err(|wrong| refuse(page, entry, wrong, &[])).ok().or_else(|| bare.build().ok())
}

/// A plan, over the services of the same file.
fn plan(page: &mut Page<'_>, entry: &Entry<'_>, services: &[Service]) -> Option<Plan> {
    let draft = PlanDraft { id: entry.name().to_owned(), values: values(page, entry) };
    draft.build(services).map_err(|wrong| refuse(page, entry, wrong, services)).ok()
}

fn values(page: &mut Page<'_>, entry: &Entry<'_>) -> PlanPatch {
    PlanPatch {
        name: entry.text(page, "name"),
        description: entry.text(page, "description"),
        level: entry.number(page, "level"),
        price_monthly_cents: entry.number(page, "price_monthly_cents"),
        price_yearly_cents: entry.number(page, "price_yearly_cents"),
        currency: entry.text(page, "currency"),
        api_calls_limit: entry.limit(page, "api_calls_limit"),
        daily_limit: entry.limit(page, "daily_limit"),
        per_user_limit: entry.limit(page, "per_user_limit"),
        rate_limit: entry.limit(page, "rate_limit"),
        concurrent_searches: entry.limit(page, "concurrent_searches"),
        team_seats: entry.number(page, "team_seats"),
        byok_enabled: entry.switch(page, "byok_enabled"),
        services: entry.texts(page, "services"),
        features: Some(features(page, entry)),
        priority_support: entry.switch(page, "priority_support"),
        trial_days: entry.number(page, "trial_days"),
        is_public: entry.switch(page, "is_public"),
        is_popular: entry.switch(page, "is_popular"),
        is_active: entry.switch(page, "is_active"),
        stripe_price_id: entry.text(page, "stripe_price_id").map(Some),
        stripe_annual_price_id: entry.text(page, "stripe_annual_price_id").map(Some),
        lago_plan_code: entry.text(page, "lago_plan_code").map(Some),
    }
}

/// The good features; the others are complained of one by one.
fn features(page: &mut Page<'_>, plan: &Entry<'_>) -> Vec<Feature> {
    let mut good = Vec::new();
    for entry in plan.list(page, "features", "feature", FEATURE) {
        let feature = Feature {
            name: entry.text(page, "name").unwrap_or_default(),
            category: entry.text(page, "category").unwrap_or_default(),
            description: entry.text(page, "description").unwrap_or_default(),
        };
        match feature.checked() {
            Ok(feature) => good.push(feature),
            Err(wrong) => refuse(page, &entry, wrong, &[]),
        }
    }
    good
}

/// Complains of each field, where it stands.
fn refuse(page: &mut Page<'_>, entry: &Entry<'_>, wrong: Invalid, services: &[Service]) {
    for (field, error) in wrong {
        let hint = match &error {
            plan_core::FieldError::UnknownService(name) => {
                page::nearest(name, services.iter().map(|service| service.name.as_str()))
                    .map(|near| format!("; did you mean {near}?"))
                    .unwrap_or_default()
            }
            _ => String::new(),
        };
        entry.refuse(page, field, &format!("{error}{hint}"));
    }
}
