use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::ConfigError;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text in a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What is logged, and how. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Log {
    pub format: Format,
    pub level: String,
}

/// What our libraries say below a warning is of use to their authors only; `log.level` can ask for it by name.
const QUIET: &str = "actix_server=warn,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,hyper=warn,rustls=warn";

impl Log {
    /// What is let through.
    pub fn filter(&self) -> Result<EnvFilter, ConfigError> {
        EnvFilter::try_new(format!("{QUIET},{}", self.level)).map_err(|error| {
            ConfigError::Rejected(format!("log.level must be a level such as info or info,http_api=debug: {error}"))
        })
    }
}
