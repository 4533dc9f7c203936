//! Keys that may be absent, emptied or given.

use serde::de::{Deserialize, Deserializer};

/// A key of a change. Needs `#[serde(default)]`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Given<T> {
    /// Not there: what is stays.
    #[default]
    Absent,
    /// `null`: nothing is wanted there.
    Empty,
    /// This.
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Empty, Self::Value))
    }
}
