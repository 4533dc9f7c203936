use std::num::NonZeroU32;

use plan_core::PlanId;
use serde::Deserialize;

use super::read;

/// Plans, and where people get another one. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Plans {
    #[serde(deserialize_with = "read::parsed")]
    pub default: PlanId,
    #[serde(deserialize_with = "read::parsed")]
    pub first_admin: PlanId,
    #[serde(deserialize_with = "read::optional")]
    pub catalogue: Option<String>,
    pub upgrade_url: String,
}

/// How fast callers may ask. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct RateLimit {
    pub enabled: bool,
    pub instances: NonZeroU32,
    pub without_org_per_minute: NonZeroU32,
    pub api_key_per_minute: NonZeroU32,
}
