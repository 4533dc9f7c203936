//! What is a provider's key, and how little of it is shown.

use byok_core::ProviderSecret;
use proptest::prelude::*;
use secrecy::SecretString;

use crate::world::secret;

fn is_one(text: &str) -> bool {
    ProviderSecret::parse(SecretString::from(text.to_owned())).is_ok()
}

#[test]
fn a_key_is_visible_ascii() {
    let all: String = (b'!'..=b'~').map(char::from).collect();
    for good in [all.as_str(), "0123456789", &"x".repeat(4096)] {
        assert!(is_one(good), "{good}");
        assert_eq!(secret(good).expose(), good);
    }
    let ten_mebibytes = "x".repeat(10 << 20);
    let long = "x".repeat(4097);
    for bad in [
        "",
        "012345678",
        &long,
        &ten_mebibytes,
        "sk-0123456789\r\nX-Evil: 1",
        "sk-0123456789\n",
        "\tsk-0123456789",
        " sk-0123456789",
        "sk-0123456789 ",
        "sk-01234 56789",
        "sk-0123456789\0",
        "sk-0123456789\u{7f}",
        "sk-0123456789é",
        "sk-0123456789\u{200b}",
        "\u{feff}sk-0123456789",
        "ｓｋ-0123456789",
    ] {
        assert!(!is_one(bad), "{:?}", bad.chars().take(40).collect::<String>());
    }
    let error = ProviderSecret::parse(SecretString::from("canary 0123456789")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "a refusal does not repeat what was refused");
}

#[test]
fn at_most_four_characters_and_a_fifth_are_shown() {
    let text: String = ('!'..='~').collect();
    for length in 1..=64 {
        let key = &text[..length];
        let shown = if is_one(key) { secret(key).tail() } else { String::new() };
        assert!(shown.len() <= 4 && shown.len() * 5 <= length, "{length}: {shown}");
        assert!(key.ends_with(&shown), "{length}: {shown}");
        assert_eq!(shown.len(), if length < 20 { 0 } else { 4 }, "{length}");
    }
}

#[test]
fn a_fingerprint_tells_keys_apart_under_one_key_only() {
    let under: [u8; 32] = std::array::from_fn(|n| 33 + u8::try_from(n).unwrap());
    let key = secret("sk-known-answer-0123456789");
    assert_eq!(key.fingerprint(&under), "1cb25205", "HMAC-SHA-256, cut");
    assert_eq!(key.fingerprint(&under), secret("sk-known-answer-0123456789").fingerprint(&under));
    assert_ne!(key.fingerprint(&under), secret("sk-known-answer-0123456788").fingerprint(&under));
    assert_ne!(key.fingerprint(&under), key.fingerprint(&[1; 32]), "another installation's is another one");
}

#[test]
fn a_secret_is_not_printed() {
    let key = secret("sk-canary-0123456789");
    assert_eq!(format!("{key:?}"), "ProviderSecret(…)");
    assert!(!format!("{:?}", crate::world::new("openai", "sk-canary-0123456789", None)).contains("canary"));
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let fits = (10..=4096).contains(&text.len()) && text.bytes().all(|b| (b'!'..=b'~').contains(&b));
        prop_assert_eq!(is_one(&text), fits);
    }
}
