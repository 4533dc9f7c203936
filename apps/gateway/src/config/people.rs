use std::time::Duration;

use auth_core::{Lifetimes, SessionRules};
use mail_smtp::Sender;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Problems, read};

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
    #[serde(deserialize_with = "read::parsed")]
    pub from: Sender,
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

    pub(super) fn check(&self, problems: &mut Problems) {
        let times = [self.idle, self.absolute, self.admin_idle, self.admin_absolute, self.fresh];
        let positive = self.per_user > 0 && !times.iter().any(Duration::is_zero);
        problems.require(positive, "every key of [session] must be at least 1");
        problems.require(
            self.idle <= self.absolute && self.admin_idle <= self.admin_absolute,
            "session.idle_seconds must not be more than session.absolute_seconds, nor the admins' keys likewise",
        );
    }
}

impl Password {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require(
            self.lanes > 0 && self.iterations > 0 && self.memory_kib >= self.lanes.saturating_mul(8),
            "[password] needs at least one lane, one iteration and memory_kib = 8 for each lane",
        );
    }
}
