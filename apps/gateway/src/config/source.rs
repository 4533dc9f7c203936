use std::path::PathBuf;

use super::error::ConfigError;
use super::origin::Origin;

/// What the names of our variables begin with.
pub(super) const PREFIX: &str = "OPS_CENTER__";

/// Variables that other software sets, and the key that each stands for.
const ALIASES: [(&str, &str); 4] = [
    ("DATABASE_URL", "database.url"),
    ("REDIS_URL", "redis.url"),
    ("STRIPE_SECRET_KEY", "billing.stripe.secret_key"),
    ("STRIPE_SECRET_KEY_FILE", "billing.stripe.secret_key_file"),
];

/// Everything that can say something about the configuration, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that `--config` names.
    pub(super) file: Option<PathBuf>,
    /// Keys and values of the environment's aliases.
    pub(super) aliases: Vec<(String, String)>,
    /// Keys and values of the environment.
    pub(super) variables: Vec<(String, String)>,
    /// Keys and values of the command line.
    pub(super) flags: Vec<(String, String)>,
}

impl Sources {
    /// The environment of this process, and nothing else yet.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Result<Self, ConfigError> {
        let mut found = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            match value.into_string() {
                Ok(value) => found.push((name.to_owned(), value)),
                Err(_) => return Err(ConfigError::Rejected(format!("the environment variable {name} must be UTF-8"))),
            }
        }
        Ok(Self::of_variables(found))
    }

    /// The variables among these that are ours.
    pub fn of_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut sources = Self::default();
        for (name, value) in variables {
            if let Some((_, key)) = ALIASES.into_iter().find(|(alias, _)| *alias == name) {
                sources.aliases.push((key.to_owned(), value));
            } else if let Some(rest) = name.strip_prefix(PREFIX) {
                sources.variables.push((rest.to_ascii_lowercase().replace("__", "."), value));
            }
        }
        // The environment has no order; what is refused first must not depend on the day.
        sources.variables.sort();
        sources
    }

    /// The same with a configuration file.
    #[must_use]
    pub fn with_file(mut self, file: Option<PathBuf>) -> Self {
        self.file = file;
        self
    }

    /// The same with a value of the command line.
    #[must_use]
    pub fn with_flag(mut self, key: &str, value: impl ToString) -> Self {
        self.flags.push((key.to_owned(), value.to_string()));
        self
    }

    /// Texts by source, the weakest first.
    pub(super) fn texts(&self) -> [(Origin, &[(String, String)]); 3] {
        [(Origin::Alias, &self.aliases), (Origin::Environment, &self.variables), (Origin::CommandLine, &self.flags)]
    }
}

/// The variable that other software sets for this key.
pub(super) fn alias(key: &str) -> Option<&'static str> {
    ALIASES.into_iter().find_map(|(alias, known)| (known == key).then_some(alias))
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) || ALIASES.iter().any(|(alias, _)| *alias == name)
}
