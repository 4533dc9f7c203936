//! Pure decisions of this feature.

/// The longest value of a metadata entry that is kept, in characters.
pub const MAX_METADATA_VALUE: usize = 512;

/// Cuts a text to at most `max` characters, for a record.
pub fn truncated(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
