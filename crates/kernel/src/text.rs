/// The text cannot stand in a field for people to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Longer than the field holds, in characters.
    #[error("at most {0} characters")]
    TooLong(usize),
    /// Control characters do not belong into text.
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// Text for people to read: trimmed, at most `max` characters, no control characters but line breaks and tabs.
pub fn plain_text(value: &str, max: usize) -> Result<String, TextError> {
    let trimmed = value.trim();
    if trimmed.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) {
        Err(TextError::ControlCharacter)
    } else if trimmed.chars().count() > max {
        Err(TextError::TooLong(max))
    } else {
        Ok(trimmed.to_owned())
    }
}

/// One line of text for people to read: as [`plain_text`], without line breaks and tabs.
pub fn plain_line(value: &str, max: usize) -> Result<String, TextError> {
    if value.trim().chars().any(char::is_control) { Err(TextError::ControlCharacter) } else { plain_text(value, max) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_counted_in_characters_and_refuses_controls() {
        assert_eq!(plain_text("  ä\u{1f980}  ", 2), Ok("ä\u{1f980}".to_owned()));
        assert_eq!(plain_text("abc", 2), Err(TextError::TooLong(2)));
        assert_eq!(plain_text("a\u{0}b", 9), Err(TextError::ControlCharacter));
        assert_eq!(plain_text("a\nb", 9), Ok("a\nb".to_owned()));
        assert_eq!(plain_line("a\nb", 9), Err(TextError::ControlCharacter));
        assert_eq!(plain_line(" a b\n", 9), Ok("a b".to_owned()));
    }
}
