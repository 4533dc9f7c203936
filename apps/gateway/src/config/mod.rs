//! The configuration: one section per feature, read once, at the start.
//!
//! `config.default.toml` is the list of keys, their defaults and their documentation. A file, the environment and the command line
//! lie over it; a key that is not on the list is refused with the nearest one that is.

mod address;
mod billing;
mod byok;
pub(crate) mod catalogue;
mod error;
mod layer;
mod log;
mod origin;
pub(crate) mod page;
mod people;
mod plans;
mod problems;
pub(crate) mod providers;
mod read;
mod schema;
mod secret;
mod server;
mod source;
mod storage;

use figment::Figment;
use http_api::Environment;
use serde::{Deserialize, Deserializer};

pub(crate) use self::{address::parse as address, secret::read as private_file};
pub use self::{
    billing::{Billing, Company, Lago, Stripe},
    byok::Byok,
    error::ConfigError,
    log::{Format, Log},
    origin::Origin,
    people::{Mail, Password, Session, SmtpTls},
    plans::{Decision, Outage, Plans, RateLimit},
    schema::DEFAULTS,
    server::{Server, TlsFiles},
    source::Sources,
    storage::{Blob, BlobKind, Database, Redis},
};
use self::{problems::Problems, schema::Schema};

/// Everything that can be configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the sections")]
pub struct Config {
    #[serde(deserialize_with = "environment")]
    pub environment: Environment,
    pub server: Server,
    pub database: Database,
    pub redis: Redis,
    pub session: Session,
    pub plans: Plans,
    pub decision: Decision,
    pub rate_limit: RateLimit,
    pub byok: Byok,
    pub billing: Billing,
    pub mail: Mail,
    pub blob: Blob,
    pub password: Password,
    pub log: Log,
}

/// One key of the effective configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `section.key`.
    pub key: String,
    /// The value; `***` for a secret that is set.
    pub value: serde_json::Value,
    /// Where it comes from.
    pub from: String,
}

impl Config {
    /// Reads the sources over the defaults, and checks what they say. The error holds everything that is wrong.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        Ok(Self::explained(sources)?.0)
    }

    /// The same, with every key, its value and where it comes from.
    pub fn explained(sources: &Sources) -> Result<(Self, Vec<Setting>), ConfigError> {
        let schema = Schema::read()?;
        let mut problems = Problems::default();
        let figment = layer::stack(&schema, sources, &mut problems)?;
        let mut config = Self::extract(&schema, figment.clone(), &mut problems)?;
        config.check(&mut problems);
        problems.end()?;
        let settings = schema.defaults().map(|(key, _)| setting(&figment, key)).collect();
        Ok((config, settings))
    }

    /// Reads the values. One that its key cannot take is noted, and its default stands in, so that the others are judged too.
    fn extract(schema: &Schema, mut figment: Figment, problems: &mut Problems) -> Result<Self, ConfigError> {
        loop {
            let error = match figment.extract() {
                Ok(config) => return Ok(config),
                Err(error) => error,
            };
            let ours = error.metadata.as_ref().is_none_or(|place| place.name == layer::DEFAULT);
            let known = layer::reset(figment, schema, &error.path.join(".")).filter(|_| !ours);
            figment = known.ok_or_else(|| refused(&error))?;
            problems.note(Err::<(), _>(refused(&error)));
        }
    }

    fn check(&mut self, problems: &mut Problems) {
        self.server.check(problems);
        self.database.check(problems);
        self.session.check(problems);
        self.byok.check(problems);
        self.billing.check(problems);
        self.blob.check(problems);
        self.password.check(problems);
        problems.note(self.log.filter());
        problems.require(
            self.environment != Environment::Production || self.server.public_url.is_some(),
            "environment = \"production\" needs server.public_url: set it to what people type, such as https://ops.example.com",
        );
    }
}

fn environment<'de, D: Deserializer<'de>>(from: D) -> Result<Environment, D::Error> {
    match String::deserialize(from)?.as_str() {
        "development" => Ok(Environment::Development),
        "production" => Ok(Environment::Production),
        _ => Err(serde::de::Error::custom("must be \"development\" or \"production\"")),
    }
}

/// A value of the right kind that the key cannot take: a number too large, a word that is no choice. Never a secret's: those are
/// any text.
fn refused(error: &figment::Error) -> ConfigError {
    let key = error.path.join(".");
    let origin = error.metadata.as_ref().map_or_else(|| layer::DEFAULT.to_owned(), |place| place.name.to_string());
    ConfigError::Rejected(format!("{key} (from {origin}): {}", error.kind))
}

fn setting(figment: &Figment, key: &str) -> Setting {
    let found = figment.find_value(key).ok();
    let value = found.and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default();
    let is_set = value != "" && value != serde_json::json!([]);
    let hidden = schema::SECRETS.contains(&key) && is_set;
    let from = figment.find_metadata(key).map_or_else(String::new, |place| place.name.to_string());
    Setting { key: key.to_owned(), value: if hidden { "***".into() } else { value }, from }
}

#[cfg(test)]
mod tests;
