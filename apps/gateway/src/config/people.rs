use std::time::Duration;

use auth_core::{Lifetimes, SessionRules};
use secrecy::SecretString;
use serde::Deserialize;

use super::{ConfigError, read};

/// How long sessions live. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Session {
    #[serde(rename = "idle_seconds", deserialize_with = "read::seconds")]
    pub idle: Duration,
    #[serde(rename = "absolute_seconds", deserialize_with = "read::seconds")]
    pub absolute: Duration,
    #[serde(rename = "admin_idle_seconds", deserialize_with = "read::seconds")]
    pub admin_idle: Duration,
    #[serde(rename = "admin_absolute_seconds", deserialize_with = "read::seconds")]
    pub admin_absolute: Duration,
    pub per_user: u32,
    #[serde(rename = "fresh_seconds", deserialize_with = "read::seconds")]
    pub fresh: Duration,
}

/// What every organization has. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Org {
    pub default_seats: u32,
    pub default_tier: String,
    pub default_api_calls_limit: u64,
}

/// What a password hash costs. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Password {
    pub memory_kib: u32,
    pub iterations: u32,
    pub lanes: u32,
    pub max_parallel: u16,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// TLS after a greeting in the clear.
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

/// How mails go out. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Mail {
    #[serde(deserialize_with = "read::optional")]
    pub smtp_host: Option<String>,
    pub smtp_port: u16,
    pub smtp_tls: SmtpTls,
    #[serde(deserialize_with = "read::optional")]
    pub smtp_username: Option<String>,
    #[serde(deserialize_with = "read::secret")]
    pub smtp_password: SecretString,
    pub from: String,
}

impl Session {
    /// As the use cases want it.
    pub const fn rules(&self) -> SessionRules {
        SessionRules {
            user: Lifetimes { idle: self.idle, absolute: self.absolute },
            admin: Lifetimes { idle: self.admin_idle, absolute: self.admin_absolute },
            per_user: self.per_user,
            fresh: self.fresh,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let times = [self.idle, self.absolute, self.admin_idle, self.admin_absolute, self.fresh];
        if self.per_user == 0 || times.iter().any(Duration::is_zero) {
            return reject("every key of [session] must be at least 1");
        }
        if self.idle > self.absolute || self.admin_idle > self.admin_absolute {
            return reject(
                "session.idle_seconds must not be more than session.absolute_seconds, nor the admins' keys likewise",
            );
        }
        Ok(())
    }
}

impl Org {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.default_seats == 0 || self.default_tier.trim().is_empty() {
            return reject("org.default_seats must be at least 1, and org.default_tier must not be empty");
        }
        Ok(())
    }
}

impl Password {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.lanes == 0 || self.iterations == 0 || self.memory_kib < self.lanes.saturating_mul(8) {
            return reject("[password] needs at least one lane, one iteration and memory_kib = 8 for each lane");
        }
        Ok(())
    }
}

fn reject<T>(why: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Rejected(why.to_owned()))
}
