use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Problems, read};

/// Customers' own provider keys. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Byok {
    #[serde(deserialize_with = "read::optional")]
    pub keyring: Option<PathBuf>,
    #[serde(deserialize_with = "read::optional")]
    pub providers: Option<String>,
    #[serde(deserialize_with = "read::networks")]
    pub allowed_networks: Vec<IpNet>,
    #[serde(deserialize_with = "read::ports")]
    pub allowed_ports: Vec<u16>,
    pub allow_http: bool,
    #[serde(deserialize_with = "read::optional")]
    pub dns_server: Option<SocketAddr>,
    #[serde(rename = "connect_timeout_ms", deserialize_with = "read::milliseconds")]
    pub connect_timeout: Duration,
    #[serde(rename = "timeout_ms", deserialize_with = "read::milliseconds")]
    pub timeout: Duration,
    pub test_every_hours: u16,
}

impl Byok {
    /// How old a test of a key may become before the key is tested again; `None` when only people ask for tests.
    pub fn test_every(&self) -> Option<Duration> {
        (self.test_every_hours > 0).then(|| Duration::from_hours(self.test_every_hours.into()))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require(!self.allowed_ports.is_empty(), "byok.allowed_ports must name at least one port, such as 443");
        problems.require(
            !self.connect_timeout.is_zero() && self.connect_timeout <= self.timeout,
            "byok.connect_timeout_ms must be at least 1, and not more than byok.timeout_ms",
        );
        problems.require(
            !self.allow_http || !self.allowed_networks.is_empty(),
            "byok.allow_http is for byok.allowed_networks only: name the networks, or leave it false",
        );
    }
}
