//! What the wire types of several areas share: the forms of times, money and passwords, fields that can be emptied, objects that are
//! read from nothing else, plain success.

use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, SecondsFormat, Utc};
use kernel::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A point in time as every answer writes it: RFC 3339, UTC with `Z`, to the microsecond.
pub(crate) fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Reads a point in time (RFC 3339, with whichever offset).
pub(crate) fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let read = DateTime::parse_from_rfc3339(text);
    read.map(|at| at.with_timezone(&Utc)).or(Err("must be a time of RFC 3339, as 2027-01-31T09:30:00Z"))
}

/// Minor units as the number that people read, only for the wire: nothing is reckoned with it.
pub(crate) fn decimal(cents: i64) -> f64 {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100).parse().unwrap_or_default()
}

/// A field that can be left alone (`None`), emptied (`Some(None)`) or set.
pub(crate) type Change<T> = Option<Option<T>>;

/// Reads a [`Change`]: an absent field is left alone, `null` empties it. Beside it stands `#[serde(default)]`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Change<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A struct that is read from an object only: serde alone would take a list of its fields too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// A password that somebody typed.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
#[schema(pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "tall ships sail at dawn")]
pub(crate) struct Password(SecretString);

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// The text cannot have been typed as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 1024 characters, no control characters among them")]
pub(crate) struct NoPassword;

impl Password {
    /// The longest text that is compared with a password, in characters.
    const MAX: usize = 1024;

    /// A password to compare with the present one: anything that a keyboard can give.
    pub(crate) fn typed(self) -> Result<SecretString, NoPassword> {
        let text = self.0.expose_secret();
        let plain = !text.chars().any(char::is_control);
        if plain && (1..=Self::MAX).contains(&text.chars().count()) { Ok(self.0) } else { Err(NoPassword) }
    }

    /// A password to be set: the password policy judges it.
    pub(crate) fn proposed(self) -> SecretString {
        self.0
    }
}

/// It was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always `true`.
    #[schema(example = true)]
    pub(crate) success: bool,
    /// What was done, for people.
    #[schema(example = "the session has ended")]
    pub(crate) message: String,
}

impl Done {
    /// This was done.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { success: true, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_width_and_a_z() {
        let at = Timestamp::from_timestamp(1_700_000_000, 120_000_000).expect("a time");
        assert_eq!(time(at), "2023-11-14T22:13:20.120000Z");
    }

    #[test]
    fn a_moment_is_read_with_its_offset_and_nothing_else_is_one() {
        for text in ["2027-01-31T09:30:00+02:00", "2027-01-31T07:30:00Z", "2027-01-31t07:30:00.000z"] {
            assert_eq!(moment(text).map(time).as_deref(), Ok("2027-01-31T07:30:00.000000Z"), "{text}");
        }
        for wrong in ["", "now", "2027-01-31", "2027-01-31T09:30:00", "2027-02-30T09:30:00Z", "1800000000", "\0"] {
            assert!(moment(wrong).is_err_and(|why| why.contains("RFC 3339")), "{wrong:?}");
        }
    }

    #[test]
    fn money_is_written_with_its_minor_units_behind_the_point() {
        for (cents, shown) in
            [(0, "0.0"), (1900, "19.0"), (1905, "19.05"), (-5, "-0.05"), (999_999_999_999, "9999999999.99")]
        {
            assert_eq!(serde_json::to_string(&decimal(cents)).unwrap(), shown);
        }
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        #[derive(Deserialize)]
        struct Sample {
            #[serde(default, deserialize_with = "present")]
            field: Change<String>,
        }
        let read = |text: &str| serde_json::from_str::<Sample>(text).expect(text).field;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"field":null}"#), Some(None));
        assert_eq!(read(r#"{"field":"x"}"#), Some(Some("x".to_owned())));
    }

    #[test]
    fn a_typed_password_has_no_control_characters_and_never_prints() {
        let password = |text: &str| serde_json::from_value::<Password>(text.into()).expect("a string");
        assert!(password("pässword").typed().is_ok());
        for wrong in ["", "nul\0", "line\n", &"x".repeat(1025)] {
            assert!(password(wrong).typed().is_err(), "{wrong:?}");
        }
        assert!(!format!("{:?}", password("canary")).contains("canary"));
    }
}
