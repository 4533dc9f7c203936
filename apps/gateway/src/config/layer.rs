//! From sources to one table of values that knows where each comes from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use figment::value::{Dict, Map, Value as Known};
use figment::{Figment, Metadata, Profile, Provider};
use toml::Value;

use super::error::ConfigError;
use super::origin::Origin;
use super::problems::Problems;
use super::schema::{self, Kind, Schema};
use super::secret;
use super::source::Sources;

/// The origin of what nobody has set.
pub(super) const DEFAULT: &str = "default";

/// One value, where it comes from, and how its source spells the key.
struct Leaf {
    key: String,
    value: Known,
    origin: String,
}

impl Provider for Leaf {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(&self.key, self.value.clone()).into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, nested)]))
    }
}

/// The values of one source.
struct Layer<'a> {
    schema: &'a Schema,
    origin: Origin,
    found: BTreeMap<String, (Value, String)>,
}

impl Layer<'_> {
    /// Takes a key with a value of its kind, or the file of a secret.
    fn take(&mut self, key: &str, value: &Value) -> Result<(), ConfigError> {
        let spelled = self.origin.spell(key);
        if let Some(secret) = schema::secret_of_file(key) {
            let Value::String(path) = value else { return Err(self.wrong_kind(key, "the name of a file")) };
            if path.is_empty() {
                return Ok(());
            }
            let text = secret::read(Path::new(path), &spelled)?;
            let value = self.schema.kind(secret).unwrap_or(Kind::Text).read_file(&text);
            return self.keep(secret, value, format!("{path}, named by {spelled}"));
        }
        match self.schema.kind(key) {
            Some(kind) if kind.admits(value) => {
                self.keep(key, value.clone(), format!("{}", Place(&self.origin, &spelled)))
            }
            Some(kind) => Err(self.wrong_kind(key, kind.expected())),
            None => Err(self.unknown(key)),
        }
    }

    fn keep(&mut self, key: &str, value: Value, origin: String) -> Result<(), ConfigError> {
        match self.found.insert(key.to_owned(), (value, origin)) {
            None => Ok(()),
            Some(_) => Err(ConfigError::Twice { key: self.origin.spell(key), origin: self.origin.clone() }),
        }
    }

    fn wrong_kind(&self, key: &str, expected: &'static str) -> ConfigError {
        ConfigError::Kind { spelled: self.origin.spell(key), origin: self.origin.clone(), expected }
    }

    fn unknown(&self, key: &str) -> ConfigError {
        let hint = match self.schema.nearest(key) {
            Some(near) => format!("did you mean {}?", self.origin.spell(&near)),
            None => "`ops-center config check` lists the keys there are".to_owned(),
        };
        ConfigError::Unknown { spelled: self.origin.spell(key), origin: self.origin.clone(), hint }
    }

    fn onto(self, figment: Figment) -> Result<Figment, ConfigError> {
        self.found.into_iter().try_fold(figment, |figment, (key, (value, origin))| {
            let value =
                Known::serialize(&value).map_err(|error| ConfigError::Rejected(format!("{key}: {}", error.kind)))?;
            Ok(figment.merge(Leaf { key, value, origin }))
        })
    }
}

/// Says where a value stands, for `config check` and for errors.
struct Place<'a>(&'a Origin, &'a str);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Origin::Default => f.write_str(DEFAULT),
            Origin::File(path) => path.display().fmt(f),
            Origin::Alias | Origin::Environment | Origin::CommandLine => f.write_str(self.1),
        }
    }
}

/// Lays the sources over the defaults, the strongest last. What a source says wrongly is noted and left out.
pub(super) fn stack(schema: &Schema, sources: &Sources, problems: &mut Problems) -> Result<Figment, ConfigError> {
    let layer = |origin| Layer { schema, origin, found: BTreeMap::new() };
    let mut defaults = layer(Origin::Default);
    for (key, value) in schema.defaults() {
        defaults.take(key, value)?;
    }
    let mut figment = defaults.onto(Figment::new())?;
    if let Some(path) = &sources.file {
        let mut file = layer(Origin::File(path.clone()));
        for (key, value) in read(path)? {
            problems.note(file.take(&key, &value));
        }
        figment = file.onto(figment)?;
    }
    for (origin, texts) in sources.texts() {
        let mut texted = layer(origin);
        for (key, text) in texts {
            let value = schema.kind(key).map_or_else(
                || Ok(Value::String(text.clone())),
                |kind| kind.read(text).ok_or_else(|| texted.wrong_kind(key, kind.expected())),
            );
            problems.note(value.and_then(|value| texted.take(key, &value)));
        }
        figment = texted.onto(figment)?;
    }
    Ok(figment)
}

/// The same with one key as the defaults have it; `None` for a key that they do not have.
pub(super) fn reset(figment: Figment, schema: &Schema, key: &str) -> Option<Figment> {
    let value = Known::serialize(schema.default(key)?).ok()?;
    Some(figment.merge(Leaf { key: key.to_owned(), value, origin: DEFAULT.to_owned() }))
}

fn read(path: &Path) -> Result<Vec<(String, Value)>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|cause| ConfigError::File { path: path.to_owned(), cause })?;
    Ok(schema::leaves(&schema::parse(path, &text)?))
}
