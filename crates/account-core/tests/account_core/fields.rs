//! What a profile's fields hold, and what they refuse.

use std::fmt::Debug;

use account_core::{
    AvatarName, DisplayName, FieldError, Frequency, Locale, NotificationPatch, Notifications, Phone, ShortText,
    Timezone, UsageAlertThreshold,
};

fn refused<T: Debug>(read: impl Fn(&str) -> Result<T, FieldError>, values: &[&str]) {
    for value in values {
        assert!(read(value).is_err(), "{value:?}: {:?}", read(value));
    }
}

#[test]
fn texts() {
    assert_eq!(DisplayName::parse("  Ann Ö. \u{1f980} ").unwrap().as_str(), "Ann Ö. \u{1f980}");
    assert!(DisplayName::parse(&"ä".repeat(100)).is_ok(), "characters count, not bytes");
    refused(DisplayName::parse, &["", "  ", &"a".repeat(101), "a\0b", "a\u{7}b"]);
    assert_eq!(ShortText::<10>::parse("").unwrap().as_str(), "");
    assert_eq!(ShortText::<10>::parse("a\nb").unwrap().as_str(), "a\nb");
    refused(ShortText::<10>::parse, &["12345678901", "a\0b", "a\u{1b}b"]);
}

#[test]
fn telephone_numbers() {
    for (text, number) in
        [("+4930123456", "+4930123456"), (" +43 (1) 234-56.78 ", "+4312345678"), ("+1234567", "+1234567")]
    {
        assert_eq!(Phone::parse(text).unwrap().as_str(), number);
    }
    refused(
        Phone::parse,
        &[
            "",
            "+",
            "123456789",
            "0043123456",
            "+0123456789",
            "+123456",
            "+1234567890123456",
            "+12345a78",
            "+１２３４５６７",
            "++1234567",
        ],
    );
}

#[test]
fn languages_and_time_zones() {
    for (text, tag) in [("en", "en"), ("DE-at", "de-AT"), ("zh-hant-TW", "zh-Hant-TW")] {
        assert_eq!(Locale::parse(text).unwrap().as_str(), tag);
    }
    refused(Locale::parse, &["", "e", "en_US", "english!", "en-", "-en", "../en"]);
    assert_eq!(Timezone::parse(" Europe/Vienna ").unwrap().as_str(), "Europe/Vienna");
    refused(Timezone::parse, &["", "Vienna", "UTC+1", "europe/vienna", "../etc/localtime"]);
}

#[test]
fn choices() {
    for (percent, good) in [(0, false), (49, false), (50, true), (100, true), (101, false), (255, false)] {
        assert_eq!(UsageAlertThreshold::new(percent).is_ok(), good, "{percent}");
    }
    for frequency in [Frequency::Immediate, Frequency::Daily, Frequency::Weekly] {
        assert_eq!(frequency.as_str().parse(), Ok(frequency));
    }
    refused(str::parse::<Frequency>, &["", "Daily", "monthly", "null"]);
    let usual = Notifications::default();
    assert!(usual.email && usual.security && usual.billing && !usual.marketing && !usual.sms && !usual.push);
    assert_eq!(NotificationPatch::default().applied_to(usual), usual, "nothing named, nothing changed");
}

#[test]
fn the_name_of_a_picture_is_never_a_path() {
    let name = "0123456789abcdef0123456789abcdef";
    assert_eq!(AvatarName::parse(name).map(|name| name.webp()), Some(format!("{name}.webp")));
    for bad in [
        "",
        "..",
        "0123",
        "0123456789ABCDEF0123456789ABCDEF",
        "0123456789abcdef0123456789abcdeg",
        "../3456789abcdef0123456789abcdef",
    ] {
        assert!(AvatarName::parse(bad).is_none(), "{bad:?}");
    }
}
