//! What a password must be (NIST SP 800-63B-4, 3.1.1.2): long, not common, not the account's own names; no rules of composition.

use secrecy::{ExposeSecret, SecretString};

/// The shortest password, in characters.
pub const MINIMUM_LENGTH: usize = 12;
/// The longest password, in characters: longer than any passphrase, short enough to hash.
pub const MAXIMUM_LENGTH: usize = 128;

/// What a password can be made of. None is required; more of them make a shorter password strong.
pub const CATEGORIES: [&str; 4] = ["lowercase", "uppercase", "digits", "symbols"];

/// How a new password breaks the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Shorter than [`MINIMUM_LENGTH`].
    #[error("must have at least 12 characters")]
    TooShort,
    /// Longer than [`MAXIMUM_LENGTH`].
    #[error("must have at most 128 characters")]
    TooLong,
    /// On the list of passwords that are tried first.
    #[error("is one of the passwords that are tried first")]
    Common,
    /// One character, or a short piece, over and over; or a run of neighbours.
    #[error("must not be a repetition or a sequence")]
    Repetitive,
    /// The account's name or address with little else.
    #[error("must not be made of the user name or e-mail address")]
    ContainsIdentity,
    /// The same as before.
    #[error("must differ from the current password")]
    Unchanged,
    /// Control characters cannot be typed again everywhere.
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl Violation {
    /// The name on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::Common => "too_common",
            Self::Repetitive => "repetitive",
            Self::ContainsIdentity => "contains_identity",
            Self::Unchanged => "unchanged",
            Self::ControlCharacter => "control_character",
        }
    }
}

/// How hard a password that satisfies the policy is to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// It barely satisfies the policy.
    Weak,
    /// Good enough with the limits on guessing.
    Medium,
    /// Good enough even when the hash is stolen.
    Strong,
}

impl Strength {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Medium => "medium",
            Self::Strong => "strong",
        }
    }
}

/// Judges a new password for an account with these names (user name, e-mail address).
pub fn judge(password: &SecretString, names: &[&str]) -> Result<Strength, Vec<Violation>> {
    let text = password.expose_secret();
    // What is too long is not looked at any further: the other rules take time that grows with the length.
    if text.chars().nth(MAXIMUM_LENGTH).is_some() {
        return Err(vec![Violation::TooLong]);
    }
    let found: Vec<Violation> = [
        (text.chars().count() < MINIMUM_LENGTH, Violation::TooShort),
        (text.chars().any(char::is_control), Violation::ControlCharacter),
        (is_common(text), Violation::Common),
        (is_repetitive(text), Violation::Repetitive),
        (is_made_of(text, names), Violation::ContainsIdentity),
    ]
    .into_iter()
    .filter_map(|(broken, violation)| broken.then_some(violation))
    .collect();
    if found.is_empty() { Ok(strength(text)) } else { Err(found) }
}

/// How many of [`CATEGORIES`] occur.
fn categories(text: &str) -> usize {
    let kinds: [fn(char) -> bool; 4] =
        [char::is_lowercase, char::is_uppercase, char::is_numeric, |c| !c.is_alphanumeric()];
    kinds.into_iter().filter(|kind| text.chars().any(kind)).count()
}

fn strength(text: &str) -> Strength {
    match (text.chars().count(), categories(text)) {
        (20.., _) | (16.., 2..) | (14.., 4..) => Strength::Strong,
        (14.., _) | (12.., 3..) => Strength::Medium,
        _ => Strength::Weak,
    }
}

/// The stems of the passwords that are tried first, without the digits and signs that people hang on them.
const COMMON: [&str; 34] = [
    "password",
    "passwort",
    "passw",
    "qwerty",
    "qwertz",
    "azerty",
    "qwertyuiop",
    "asdfgh",
    "asdfghjkl",
    "letmein",
    "welcome",
    "admin",
    "administrator",
    "iloveyou",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "superman",
    "batman",
    "princess",
    "sunshine",
    "master",
    "shadow",
    "trustno",
    "changeme",
    "secret",
    "default",
    "login",
    "hello",
    "whatever",
    "correcthorsebatterystaple",
    "abc",
    "opscenter",
];

fn is_common(text: &str) -> bool {
    let lower = text.to_lowercase();
    let letters = |text: &str, change: fn(char) -> char| -> String {
        text.chars().map(change).filter(char::is_ascii_alphabetic).collect()
    };
    // A sign may stand for a letter or hang on the end: each reading counts.
    let without_signs = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let without_digits = lower.trim_matches(|c: char| !c.is_alphabetic());
    let readings = [lower.as_str(), without_signs, without_digits].map(|reading| letters(reading, unleet));
    let known = |stem: &str| COMMON.iter().any(|common| stem == *common || stem == common.repeat(2));
    readings.iter().any(|stem| known(stem)) || known(&letters(&lower, |c| c))
}

const fn unleet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

fn is_repetitive(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let few = chars.iter().collect::<std::collections::BTreeSet<_>>().len() < 4;
    let period = (1..=chars.len() / 2).any(|n| chars.iter().zip(chars.iter().skip(n)).all(|(a, b)| a == b));
    let step = |d: i64| {
        chars.iter().zip(chars.iter().skip(1)).all(|(a, b)| i64::from(u32::from(*b)) - i64::from(u32::from(*a)) == d)
    };
    !chars.is_empty() && (few || period || step(1) || step(-1))
}

fn is_made_of(text: &str, names: &[&str]) -> bool {
    let lower = text.to_lowercase();
    let pieces = names.iter().flat_map(|name| name.split('@').map(str::to_lowercase).chain([name.to_lowercase()]));
    pieces.filter(|piece| piece.chars().count() >= 4).any(|piece| {
        lower.contains(&piece) && lower.replace(&piece, "").chars().filter(|c| c.is_alphanumeric()).count() < 8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Result<Strength, Vec<Violation>> {
        judge(&text.into(), &["mallory.smith", "mallory.smith@example.com"])
    }

    #[test]
    fn bad_passwords_are_refused_for_the_right_reason() {
        for (text, reason) in [
            ("short", Violation::TooShort),
            ("Password1234!", Violation::Common),
            ("P@ssw0rd!!!!!!", Violation::Common),
            ("aaaaaaaaaaaaaaaa", Violation::Repetitive),
            ("abcabcabcabcabc", Violation::Repetitive),
            ("abcdefghijklmnop", Violation::Repetitive),
            ("ponmlkjihgfedcba", Violation::Repetitive),
            ("mallory.smith123", Violation::ContainsIdentity),
            ("Mallory.Smith@Example.com", Violation::ContainsIdentity),
            ("tab\tinside the password", Violation::ControlCharacter),
        ] {
            let found = judged(text).expect_err(text);
            assert!(found.contains(&reason), "{text}: {found:?}");
        }
        assert_eq!(judged(&"x9K ".repeat(40)).map_err(|found| found.contains(&Violation::TooLong)), Err(true));
        assert!(judged("").is_err());
    }

    #[test]
    fn good_passwords_are_graded() {
        assert_eq!(judged("tulip wagon f"), Ok(Strength::Weak));
        assert_eq!(judged("tulip Wagon 7"), Ok(Strength::Medium));
        assert_eq!(judged("tulip wagon seven rivers"), Ok(Strength::Strong));
        assert_eq!(judged("пароль из пяти слов тут"), Ok(Strength::Strong));
    }
}
