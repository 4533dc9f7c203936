//! Plans and services as columns.
use kernel::{Limit, ServiceName, StoreError};
use plan_core::{Allowances, Feature, Plan, PlanId, Price, ProviderIds, Service};
use serde::{Deserialize, Serialize};

use crate::entity::{plan, service};
use crate::error::bad_column;
use crate::value::read;

/// A feature as it is kept, in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct StoredFeature {
    name: String,
    category: String,
    description: String,
}

pub(crate) fn from_plan(plan: &Plan) -> Result<plan::Model, StoreError> {
    let Allowances { monthly, daily, per_user, rate_per_minute, concurrent_searches, seats, byok } = plan.allowances;
    Ok(plan::Model {
        id: plan.id.as_str().to_owned(),
        name: plan.name.clone(),
        description: plan.description.clone(),
        level: plan.level.into(),
        monthly_cents: plan.price.monthly_cents,
        yearly_cents: plan.price.yearly_cents,
        currency: plan.price.currency.clone(),
        monthly_limit: monthly.to_i64(),
        daily_limit: daily.to_i64(),
        per_user_limit: per_user.to_i64(),
        rate_per_minute: rate_per_minute.to_i64(),
        concurrent_searches: concurrent_searches.to_i64(),
        seats: seats.into(),
        byok,
        services: services_column(&plan.services)?,
        features: features_column(&plan.features)?,
        priority_support: plan.priority_support,
        trial_days: plan.trial_days.into(),
        is_public: plan.is_public,
        is_popular: plan.is_popular,
        is_active: plan.is_active,
        stripe_price: plan.provider_ids.stripe_price.clone(),
        stripe_annual_price: plan.provider_ids.stripe_annual_price.clone(),
        lago_plan: plan.provider_ids.lago_plan.clone(),
        version: plan.version.into(),
    })
}

fn services_column(services: &[ServiceName]) -> Result<String, StoreError> {
    let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
    serde_json::to_string(&names).map_err(StoreError::broken)
}

fn features_column(features: &[Feature]) -> Result<String, StoreError> {
    let stored: Vec<StoredFeature> = features
        .iter()
        .map(|feature| StoredFeature {
            name: feature.name.clone(),
            category: feature.category.clone(),
            description: feature.description.clone(),
        })
        .collect();
    serde_json::to_string(&stored).map_err(StoreError::broken)
}

fn limit(column: &'static str, number: i64) -> Result<Limit, StoreError> {
    Limit::from_i64(number).ok_or_else(|| bad_column(column))
}

pub(crate) fn to_plan(row: plan::Model) -> Result<Plan, StoreError> {
    let allowances = allowances(&row)?;
    Ok(Plan {
        id: read("plan.id", row.id.parse::<PlanId>())?,
        name: row.name,
        description: row.description,
        level: read("plan.level", u8::try_from(row.level))?,
        price: Price { monthly_cents: row.monthly_cents, yearly_cents: row.yearly_cents, currency: row.currency },
        allowances,
        services: services(&row.services)?,
        features: features(&row.features)?,
        priority_support: row.priority_support,
        trial_days: read("plan.trial_days", u16::try_from(row.trial_days))?,
        is_public: row.is_public,
        is_popular: row.is_popular,
        is_active: row.is_active,
        provider_ids: ProviderIds {
            stripe_price: row.stripe_price,
            stripe_annual_price: row.stripe_annual_price,
            lago_plan: row.lago_plan,
        },
        version: read("plan.version", u32::try_from(row.version))?,
    })
}

fn allowances(row: &plan::Model) -> Result<Allowances, StoreError> {
    Ok(Allowances {
        monthly: limit("plan.monthly_limit", row.monthly_limit)?,
        daily: limit("plan.daily_limit", row.daily_limit)?,
        per_user: limit("plan.per_user_limit", row.per_user_limit)?,
        rate_per_minute: limit("plan.rate_per_minute", row.rate_per_minute)?,
        concurrent_searches: limit("plan.concurrent_searches", row.concurrent_searches)?,
        seats: read("plan.seats", u32::try_from(row.seats))?,
        byok: row.byok,
    })
}

fn services(column: &str) -> Result<Vec<ServiceName>, StoreError> {
    const COLUMN: &str = "plan.services";
    let names: Vec<String> = read(COLUMN, serde_json::from_str(column))?;
    let mut services = names.iter().map(|name| read(COLUMN, name.parse())).collect::<Result<Vec<ServiceName>, _>>()?;
    // A plan searches among them.
    services.sort();
    Ok(services)
}

fn features(column: &str) -> Result<Vec<Feature>, StoreError> {
    let stored: Vec<StoredFeature> = read("plan.features", serde_json::from_str(column))?;
    Ok(stored
        .into_iter()
        .map(|StoredFeature { name, category, description }| Feature { name, category, description })
        .collect())
}

pub(crate) fn from_service(service: &Service) -> service::Model {
    service::Model {
        name: service.name.as_str().to_owned(),
        display_name: service.display_name.clone(),
        description: service.description.clone(),
        icon: service.icon.clone(),
        url: service.url.clone(),
        required_permission: service.required_permission.clone(),
        is_external: service.is_external,
    }
}

pub(crate) fn to_service(row: service::Model) -> Result<Service, StoreError> {
    Ok(Service {
        name: read("service.name", row.name.parse())?,
        display_name: row.display_name,
        description: row.description,
        icon: row.icon,
        url: row.url,
        required_permission: row.required_permission,
        is_external: row.is_external,
    })
}
