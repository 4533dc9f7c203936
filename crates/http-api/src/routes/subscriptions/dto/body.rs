//! The fields of a plan, as a body gives them: at its top, or under one name.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::feature::{FeatureField, FeatureShape};
use crate::wire::{Change, Object, present};

/// Under which names the fields may stand.
const NESTS: [&str; 2] = ["plan", "updates"];

/// What a plan is to be. A field that is absent, or null, stays as it is; of a new plan it is as on the smallest plan.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::subscriptions) struct PlanFields {
    /// Its name for ever. A new plan must have one, here or as `name`; a plan that is changed keeps it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "team")]
    pub(super) id: Option<String>,
    /// `id` by another name.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "team")]
    pub(super) plan_code: Option<String>,
    /// `id` by another name.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "team")]
    pub(super) tier_code: Option<String>,
    /// What people read. Beside `display_name` it may also be the plan's `id`.
    #[schema(min_length = 1, max_length = 100, example = "Team")]
    #[schema(pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    pub(super) name: Option<String>,
    /// What people read.
    #[schema(min_length = 1, max_length = 100, example = "Team")]
    #[schema(pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    pub(super) display_name: Option<String>,
    /// One or two sentences.
    #[schema(pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    #[schema(max_length = 500, example = "For teams of up to ten.")]
    pub(super) description: Option<String>,
    /// How high it stands.
    #[schema(minimum = 0, maximum = 100, example = 3)]
    pub(super) level: Option<i64>,
    /// What a month costs, in `currency`, with at most two decimals.
    #[schema(minimum = 0, example = 29.0)]
    pub(super) price_monthly: Option<f64>,
    /// What a year costs, in `currency`, with at most two decimals.
    #[schema(minimum = 0, example = 290.0)]
    pub(super) price_yearly: Option<f64>,
    /// What a month costs, in minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 2900)]
    pub(super) price_monthly_cents: Option<i64>,
    /// What a year costs, in minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 29000)]
    pub(super) price_yearly_cents: Option<i64>,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$", example = "USD")]
    pub(super) currency: Option<String>,
    /// Calls in a month of the subscription; -1 is unlimited, here and below.
    #[schema(minimum = -1, example = 5000)]
    pub(super) api_calls_limit: Option<i64>,
    /// Calls in a day, UTC.
    #[schema(minimum = -1, example = -1)]
    pub(super) daily_limit: Option<i64>,
    /// Calls of one member in a month of the subscription.
    #[schema(minimum = -1, example = -1)]
    pub(super) per_user_limit: Option<i64>,
    /// Requests of one user in a minute.
    #[schema(minimum = -1, example = 300)]
    pub(super) rate_limit: Option<i64>,
    /// Searches at once.
    #[schema(minimum = -1, example = 5)]
    pub(super) concurrent_searches: Option<i64>,
    /// Members and open invitations.
    #[schema(minimum = 1, maximum = 1_000_000, example = 10)]
    pub(super) team_seats: Option<i64>,
    /// Whether the organization may use provider keys of its own.
    #[schema(example = true)]
    pub(super) byok_enabled: Option<bool>,
    /// The services it opens: names of services of the catalogue.
    #[schema(example = json!(["chat", "ops-center", "search"]))]
    pub(super) services: Option<Vec<String>>,
    /// What its page promises. Of a name alone, category and description stay as they are.
    #[schema(max_items = 100, value_type = Option<Vec<FeatureShape>>, example = json!(["Search"]))]
    pub(super) features: Option<Vec<FeatureField>>,
    /// Whether its customers are answered first.
    #[schema(example = false)]
    pub(super) priority_support: Option<bool>,
    /// The days a trial of it lasts; 0 for a plan that is no trial.
    #[schema(minimum = 0, maximum = 3650, example = 0)]
    pub(super) trial_days: Option<i64>,
    /// Whether strangers see it.
    #[schema(example = true)]
    pub(super) is_public: Option<bool>,
    /// Whether its page catches the eye.
    #[schema(example = false)]
    pub(super) is_popular: Option<bool>,
    /// Whether it can be chosen. A retired plan comes back with `true`; an active one is retired by `DELETE`.
    #[schema(example = true)]
    pub(super) is_active: Option<bool>,
    /// Stripe's price for a month; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 255, pattern = "^price_[A-Za-z0-9_]+$", example = json!(null))]
    pub(super) stripe_price_id: Change<String>,
    /// Stripe's price for a year; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 255, pattern = "^price_[A-Za-z0-9_]+$", example = json!(null))]
    pub(super) stripe_annual_price_id: Change<String>,
    /// Lago's plan code; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = json!(null))]
    pub(super) lago_plan_code: Change<String>,
    /// Only the plan that has this version is changed. Of a new plan it says nothing.
    #[schema(minimum = 0, example = 1)]
    pub(super) version: Option<u32>,
}

/// A body with the fields of a plan: as they are, or under `plan` or `updates`, with `version` in either place.
#[derive(Debug)]
pub(in crate::routes::subscriptions) struct PlanRequest {
    /// What stands at the top.
    pub(super) bare: PlanFields,
    /// What stands under a name, and the name.
    pub(super) nested: Vec<(&'static str, PlanFields)>,
}

impl<'de> Deserialize<'de> for PlanRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RequestVisitor)
    }
}

struct RequestVisitor;

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = PlanRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<PlanRequest, A::Error> {
        let mut nested = Vec::new();
        let bare = PlanFields::deserialize(MapAccessDeserializer::new(Bare { members, nested: &mut nested }))?;
        Ok(PlanRequest { bare, nested })
    }
}

/// The members of a body, without those that stand under a name: these are set aside.
struct Bare<'a, A> {
    members: A,
    nested: &'a mut Vec<(&'static str, PlanFields)>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bare<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.members.next_key::<String>()? {
            let Some(nest) = NESTS.into_iter().find(|nest| *nest == key) else {
                let key: StringDeserializer<A::Error> = key.into_deserializer();
                return seed.deserialize(key).map(Some);
            };
            let Object(fields) = self.members.next_value()?;
            self.nested.push((nest, fields));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

/// The fields of a plan: as they are, or under `plan` or `updates`.
#[derive(serde::Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum RequestShape {
    /// The fields themselves.
    Bare(PlanFields),
    /// The fields under `plan`.
    Plan(UnderPlan),
    /// The fields under `updates`.
    Updates(UnderUpdates),
}

/// The fields of a plan under `plan`.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanUnderPlan)]
#[expect(dead_code, reason = "only its schema is used")]
struct UnderPlan {
    plan: PlanFields,
    /// Only the plan that has this version is changed.
    #[schema(minimum = 0, example = 1)]
    version: Option<u32>,
}

/// The fields of a plan under `updates`.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanUnderUpdates)]
#[expect(dead_code, reason = "only its schema is used")]
struct UnderUpdates {
    updates: PlanFields,
    /// Only the plan that has this version is changed.
    #[schema(minimum = 0, example = 1)]
    version: Option<u32>,
}

impl PartialSchema for PlanRequest {
    fn schema() -> RefOr<Schema> {
        RequestShape::schema()
    }
}

impl ToSchema for PlanRequest {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        RequestShape::schemas(schemas);
    }
}
