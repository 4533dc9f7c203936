use std::num::NonZeroU32;

use plan_core::{OnOutage, OutagePolicy, PlanId};
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

/// What becomes of a check that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outage {
    /// The call goes on as if the check had passed.
    Allow,
    /// The call is refused.
    Refuse,
}

/// May this call happen, while a part of the answer is missing? Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Decision {
    pub on_outage_rate_limit: Outage,
    pub on_outage_byok: Outage,
}

impl From<Outage> for OnOutage {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Allow => Self::Allow,
            Outage::Refuse => Self::Refuse,
        }
    }
}

impl Decision {
    /// As decisions want it.
    pub fn outages(&self) -> OutagePolicy {
        OutagePolicy { rate_limit: self.on_outage_rate_limit.into(), byok: self.on_outage_byok.into() }
    }
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
