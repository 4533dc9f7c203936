use kernel::plain_line;

use crate::error::FieldError;

/// Fields that cannot hold what they were given, by the names that they have on the wire.
pub type Invalid = Vec<(&'static str, FieldError)>;

/// The fields that were found wrong so far.
#[derive(Default)]
pub(super) struct Fields(pub(super) Invalid);

impl Fields {
    /// Notes a field of which something does not hold.
    pub(super) fn require(&mut self, holds: bool, field: &'static str, error: FieldError) {
        if !holds {
            self.0.push((field, error));
        }
    }

    /// The value, or nothing and a note.
    pub(super) fn take<T>(&mut self, field: &'static str, read: Result<T, FieldError>) -> Option<T> {
        read.map_err(|error| self.0.push((field, error))).ok()
    }

    /// Writes the value over `to` if there is one and its field can hold it.
    pub(super) fn set<V, T>(
        &mut self,
        field: &'static str,
        value: Option<&V>,
        to: &mut T,
        read: impl FnOnce(&V) -> Result<T, FieldError>,
    ) {
        if let Some(read) = value.and_then(|value| self.take(field, read(value))) {
            *to = read;
        }
    }
}

/// The value, if it lies within both ends.
pub(super) fn within(value: i64, least: i64, most: i64) -> Option<i64> {
    (least..=most).contains(&value).then_some(value)
}

/// A number from 0 to `most`, which the type holds.
pub(super) fn number<T: TryFrom<i64>>(value: i64, most: i64) -> Result<T, FieldError> {
    within(value, 0, most).and_then(|value| T::try_from(value).ok()).ok_or(FieldError::Range(most))
}

/// A line that says something.
pub(super) fn title(text: &str) -> Result<String, FieldError> {
    let line = plain_line(text, 100)?;
    if line.is_empty() { Err(FieldError::Empty) } else { Ok(line) }
}

/// A text with something in it: forms send an empty one for none.
pub(super) fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The id of a price at Stripe, or none.
pub(super) fn stripe_price(id: Option<&str>) -> Result<Option<String>, FieldError> {
    let Some(id) = filled(id) else { return Ok(None) };
    let rest = id.strip_prefix("price_").unwrap_or_default();
    let plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if rest.is_empty() || !plain || id.len() > 255 { Err(FieldError::StripePrice) } else { Ok(Some(id.to_owned())) }
}
