//! What a plan's page promises, as a body gives it.

use std::fmt;

use plan_core::Feature;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use utoipa::ToSchema;

/// One thing that a plan's page promises: its name, or all of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FeatureField {
    Name(String),
    Whole(Feature),
}

/// One thing that a plan's page promises: its name, or all of it.
#[derive(ToSchema)]
#[schema(as = PlanFeatureField)]
#[serde(untagged)]
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum FeatureShape {
    /// Its name.
    Name(String),
    /// All of it.
    Whole(FeatureBody),
}

/// One thing that a plan's page promises.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanFeatureInput)]
pub(super) struct FeatureBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 100, example = "Search")]
    #[schema(pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    feature_name: String,
    /// The heading it stands under.
    #[serde(default)]
    #[schema(max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Services")]
    category: String,
    /// One sentence about it.
    #[serde(default)]
    #[schema(pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    #[schema(max_length = 500, example = "Answers from the web and from your own documents.")]
    description: String,
}

impl<'de> Deserialize<'de> for FeatureField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FeatureVisitor)
    }
}

struct FeatureVisitor;

impl<'de> Visitor<'de> for FeatureVisitor {
    type Value = FeatureField;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or an object")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<FeatureField, E> {
        Ok(FeatureField::Name(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FeatureField, A::Error> {
        let FeatureBody { feature_name: name, category, description } =
            FeatureBody::deserialize(MapAccessDeserializer::new(map))?;
        Ok(FeatureField::Whole(Feature { name, category, description }))
    }
}
