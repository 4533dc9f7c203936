//! Which keys there are: those of `config.default.toml`, and `<key>_file` for each secret.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::error::ConfigError;

/// The defaults, and the documentation of every key.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The keys whose values are never printed, and which can be given as files.
pub(super) const SECRETS: [&str; 10] = [
    "database.url",
    "redis.url",
    "billing.quote_key",
    "billing.stripe.secret_key",
    "billing.stripe.webhook_secrets",
    "billing.lago.api_key",
    "billing.lago.webhook_secret",
    "mail.smtp_password",
    "blob.s3_access_key",
    "blob.s3_secret_key",
];

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Switch,
    List,
}

impl Kind {
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a whole number",
            Self::Switch => "true or false",
            Self::List => "a list of texts",
        }
    }

    /// Whether a value of a file is of this kind.
    pub(super) fn admits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text, Value::String(_)) | (Self::Number, Value::Integer(_)) | (Self::Switch, Value::Boolean(_)) => {
                true
            }
            (Self::List, Value::Array(items)) => items.iter().all(Value::is_str),
            _ => false,
        }
    }

    /// Reads the file of a secret: of several, each stands on a line of its own.
    pub(super) fn read_file(self, text: &str) -> Value {
        match self {
            Self::List => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                Value::Array(lines.map(|line| Value::String(line.to_owned())).collect())
            }
            Self::Text | Self::Number | Self::Switch => Value::String(text.to_owned()),
        }
    }

    /// Reads a value of the environment or the command line.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(Value::String(text.to_owned())),
            Self::Number => text.trim().parse().ok().map(Value::Integer),
            Self::Switch => text.trim().parse().ok().map(Value::Boolean),
            Self::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
            }
        }
    }
}

/// The known keys with their defaults.
pub(super) struct Schema(BTreeMap<String, Value>);

impl Schema {
    pub(super) fn read() -> Result<Self, ConfigError> {
        Ok(Self(leaves(&parse(Path::new("config.default.toml"), DEFAULTS)?).into_iter().collect()))
    }

    pub(super) fn defaults(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }

    pub(super) fn default(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn kind(&self, key: &str) -> Option<Kind> {
        self.0.get(key).map(|value| match value {
            Value::Integer(_) => Kind::Number,
            Value::Boolean(_) => Kind::Switch,
            Value::Array(_) => Kind::List,
            _ => Kind::Text,
        })
    }

    /// The known key that is spelled most like this one.
    pub(super) fn nearest(&self, key: &str) -> Option<String> {
        let files = SECRETS.iter().map(|secret| format!("{secret}_file"));
        let known = self.0.keys().cloned().chain(files);
        let scored = known.map(|known| (strsim::normalized_damerau_levenshtein(&known, key), known));
        scored.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(score, _)| *score >= 0.5).map(|(_, known)| known)
    }
}

/// The secret whose file this key names.
pub(super) fn secret_of_file(key: &str) -> Option<&'static str> {
    let base = key.strip_suffix("_file")?;
    SECRETS.into_iter().find(|secret| *secret == base)
}

/// Reads TOML; an error names file and line, and quotes nothing.
pub(super) fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let end = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(end).filter(|byte| *byte == b'\n').count() + 1;
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        ConfigError::Syntax { path: path.to_owned(), line, message }
    })
}

/// `section.key` and value of everything that is no table, and of empty tables.
pub(super) fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                found.extend(leaves(inner).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            other => found.push((name.clone(), other.clone())),
        }
    }
    found
}
