use std::fmt;
use std::path::PathBuf;

use super::source;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `config.default.toml`.
    Default,
    /// The file that `--config` names.
    File(PathBuf),
    /// The environment, by a name that other software knows too: `DATABASE_URL`.
    Alias,
    /// The environment.
    Environment,
    /// The command line.
    CommandLine,
}

impl Origin {
    /// How this source spells a key: `server.listen`, `OPS_CENTER__SERVER__LISTEN`, `--listen`, `DATABASE_URL`.
    pub(super) fn spell(&self, key: &str) -> String {
        match self {
            Self::Default | Self::File(_) => key.to_owned(),
            Self::Alias => source::alias(key).unwrap_or(key).to_owned(),
            Self::Environment => format!("{}{}", source::PREFIX, key.replace('.', "__").to_ascii_uppercase()),
            Self::CommandLine => format!("--{}", key.rsplit('.').next().unwrap_or(key).replace('_', "-")),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the built-in defaults"),
            Self::File(path) => path.display().fmt(f),
            Self::Alias | Self::Environment => f.write_str("the environment"),
            Self::CommandLine => f.write_str("the command line"),
        }
    }
}
