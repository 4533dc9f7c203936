//! One canonical form for every spelling of an address (API-9).

use kernel::Email;
use proptest::prelude::*;

const SAME: [(&str, &str); 44] = [
    ("ann@example.com", "ANN@EXAMPLE.COM"),
    ("ann@example.com", "Ann@Example.Com"),
    ("ann@example.com", "aNN@exAMPLE.cOM"),
    ("ann@example.com", " ann@example.com"),
    ("ann@example.com", "ann@example.com "),
    ("ann@example.com", "\tann@example.com\n"),
    ("ann@example.com", "\u{a0}ann@example.com\u{3000}"),
    ("ann.lee@example.com", "Ann.Lee@example.com"),
    ("ann+tag@example.com", "ANN+TAG@example.com"),
    ("o'neil@example.com", "O'NEIL@example.com"),
    // Compatibility forms (NFKC).
    ("ann@example.com", "ａｎｎ@example.com"),
    ("ann@example.com", "ＡＮＮ@example.com"),
    ("ann@example.com", "ann@ｅｘａｍｐｌｅ.com"),
    ("ann@example.com", "ann@ＥＸＡＭＰＬＥ.ＣＯＭ"),
    ("ann1@example.com", "ann①@example.com"),
    ("ann2@example.com", "ann²@example.com"),
    ("fi@example.com", "ﬁ@example.com"),
    ("ffl@example.com", "ﬄ@example.com"),
    ("mathx@example.com", "math𝐱@example.com"),
    ("h@example.com", "ℌ@example.com"),
    ("k@example.com", "\u{212a}@example.com"),
    ("å@example.com", "\u{212b}@example.com"),
    ("iv@example.com", "ⅳ@example.com"),
    ("iv@example.com", "Ⅳ@example.com"),
    ("カ@example.com", "ｶ@example.com"),
    ("ann_lee@example.com", "ann＿lee@example.com"),
    // Composed and decomposed.
    ("josé@example.com", "jose\u{301}@example.com"),
    ("josé@example.com", "JOSE\u{301}@example.com"),
    ("müller@example.com", "mu\u{308}ller@example.com"),
    ("ann@bücher.example", "ann@bu\u{308}cher.example"),
    ("한@example.com", "\u{1112}\u{1161}\u{11ab}@example.com"),
    // Full case folding.
    ("strasse@example.com", "straße@example.com"),
    ("strasse@example.com", "STRAẞE@example.com"),
    ("müller@example.com", "MÜLLER@example.com"),
    ("σίσυφος@example.com", "ΣΊΣΥΦΟΣ@example.com"),
    ("σίσυφοσ@example.com", "σίσυφος@example.com"),
    ("иван@example.com", "ИВАН@example.com"),
    ("ա@example.com", "Ա@example.com"),
    ("s@example.com", "ſ@example.com"),
    // Domains (UTS 46).
    ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ("ann@bücher.example", "ann@BÜCHER.example"),
    ("ann@bücher.example", "ann@XN--BCHER-KVA.EXAMPLE"),
    ("ann@пример.рф", "ann@xn--e1afmkfd.xn--p1ai"),
    ("ann@example.com", "ann@example。com"),
];

const DIFFERENT: [(&str, &str); 26] = [
    ("ann@example.com", "anne@example.com"),
    ("ann@example.com", "ann@example.org"),
    ("ann@example.com", "ann@sub.example.com"),
    ("ann@example.com", "ann@example.com.example"),
    ("ann.lee@example.com", "annlee@example.com"),
    ("a.nn@gmail.com", "ann@gmail.com"),
    ("ann+tag@example.com", "ann@example.com"),
    ("ann+a@example.com", "ann+b@example.com"),
    ("ann-lee@example.com", "ann_lee@example.com"),
    ("ann-lee@example.com", "annlee@example.com"),
    // Letters that only look alike.
    ("admin@example.com", "аdmin@example.com"),
    ("admin@example.com", "ɑdmin@example.com"),
    ("paypal@example.com", "pаypal@example.com"),
    ("ann@example.com", "ann@exаmple.com"),
    ("scope@example.com", "ѕсоре@example.com"),
    ("bob@example.com", "b0b@example.com"),
    ("lilly@example.com", "li11y@example.com"),
    ("ι@example.com", "i@example.com"),
    ("o@example.com", "ο@example.com"),
    // Letters with and without their marks.
    ("jose@example.com", "josé@example.com"),
    ("muller@example.com", "müller@example.com"),
    ("mueller@example.com", "müller@example.com"),
    ("ann@bucher.example", "ann@bücher.example"),
    ("ann@strasse.example", "ann@straße.example"),
    ("ı@example.com", "i@example.com"),
    ("ø@example.com", "o@example.com"),
];

const REFUSED: [&str; 60] = [
    "",
    " ",
    "@",
    "ann",
    "ann@",
    "@example.com",
    "ann@@example.com",
    "ann@lee@example.com",
    "ann@example",
    "ann@localhost",
    "ann@.com",
    "ann@example.",
    "ann@example.com.",
    "ann@example..com",
    "ann@.example.com",
    "ann@-example.com",
    "ann@example-.com",
    "ann@exa_mple.com",
    "ann@exa mple.com",
    "ann@example.com,bob@example.com",
    "ann@example.com;bob@example.com",
    "ann@example.com bob@example.com",
    "Ann Lee <ann@example.com>",
    "<ann@example.com>",
    "mailto:ann@example.com",
    "ann@[192.0.2.1]",
    "ann@[IPv6:2001:db8::1]",
    "ann lee@example.com",
    "\"ann lee\"@example.com",
    "\"ann\"@example.com",
    "ann\"@example.com",
    "ann(comment)@example.com",
    "ann@(comment)example.com",
    "ann\\@example.com",
    "ann<script>@example.com",
    "ann>@example.com",
    "ann[1]@example.com",
    "ann:lee@example.com",
    ".ann@example.com",
    "ann.@example.com",
    "ann..lee@example.com",
    "ann\r\nBcc: victim@example.com",
    "ann\r\n@example.com",
    "ann@example.com\r\nBcc: victim@example.com",
    "ann\n@example.com",
    "ann@exam\nple.com",
    "ann\r@example.com",
    "ann\0@example.com",
    "ann@example.com\0",
    "ann@exam\0ple.com",
    "ann\t@example.com",
    "ann\u{7f}@example.com",
    "ann\u{1b}[31m@example.com",
    "ann\u{200b}@example.com",
    "ann\u{202e}@example.com",
    "ann\u{feff}@example.com",
    "ann\u{2028}@example.com",
    "ann\u{1f980}@example.com",
    "ann@exa%6dple.com",
    "ann@example.com/path",
];

fn read(text: &str) -> Email {
    Email::parse(text).unwrap_or_else(|_| panic!("{text:?} is an address"))
}

#[test]
fn spellings_of_one_address_collide() {
    for (one, other) in SAME {
        let (one, other) = (read(one), read(other));
        assert_eq!(one.canonical(), other.canonical());
        assert_eq!(one, other, "and so the addresses are equal");
    }
}

#[test]
fn addresses_of_different_people_do_not() {
    for (one, other) in DIFFERENT {
        assert_ne!(read(one).canonical(), read(other).canonical(), "{one} {other}");
        assert_ne!(read(one), read(other));
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in REFUSED {
        assert!(Email::parse(text).is_err(), "{text:?}");
        assert!(text.parse::<Email>().is_err(), "{text:?}");
    }
}

#[test]
fn the_longest_address_is_read_and_a_longer_one_refused() {
    // Labels of at most 63 characters fill the domain up to the length.
    let address = |local: usize, whole: usize| {
        let mut domain = ".example".to_owned();
        for missing in (0..whole - local - 1 - domain.len()).rev() {
            domain.insert(0, if missing % 60 == 30 { '.' } else { 'b' });
        }
        format!("{}@{domain}", "x".repeat(local))
    };
    for (local, whole, good) in [(64, 200, true), (65, 200, false), (10, 254, true), (10, 255, false), (10, 300, false)]
    {
        let text = address(local, whole);
        assert_eq!(text.len(), whole);
        assert_eq!(Email::parse(&text).is_ok(), good, "{local} of {whole} bytes: {text}");
    }
    assert!(Email::parse(&format!("{}@example.com", "é".repeat(32))).is_ok(), "64 bytes of local part");
    assert!(Email::parse(&format!("{}@example.com", "é".repeat(33))).is_err(), "bytes count, not characters");
    assert!(Email::parse(&format!("ann@{}.com", "a".repeat(63))).is_ok());
    assert!(Email::parse(&format!("ann@{}.com", "a".repeat(64))).is_err(), "a label has at most 63 bytes");
}

#[test]
fn an_address_is_shown_as_it_was_written() {
    let email = read("  Ann.Straße@Bücher.Example ");
    assert_eq!(email.as_str(), "Ann.Straße@Bücher.Example");
    assert_eq!(email.to_string(), email.as_str());
    assert_eq!(email.canonical(), "ann.strasse@xn--bcher-kva.example");
    assert_eq!(email.domain(), "xn--bcher-kva.example");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The canonical form is an address, its own canonical form, and has nothing in it that breaks a header or a key.
    #[test]
    fn the_canonical_form_is_a_fixed_point(text in "\\PC{0,12}[a-zß@A-Z0-9.]{1,8}@[a-zA-Zäöß]{1,8}\\.[a-z]{2,4}") {
        if let Ok(email) = Email::parse(&text) {
            let canonical = email.canonical();
            let again = Email::parse(canonical);
            prop_assert!(again.is_ok(), "{canonical:?} is an address");
            prop_assert_eq!(again.map(|again| again.canonical().to_owned()), Ok(canonical.to_owned()));
            prop_assert!(canonical.len() <= Email::MAX_BYTES);
            prop_assert!(!canonical.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\",;:\\()[]".contains(c)));
            prop_assert_eq!(canonical.matches('@').count(), 1);
        }
    }

    /// Nothing that a stranger sends makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,300}|[\\x00-\\x7f]{0,80}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(email.as_str(), text.trim());
        }
    }
}
