//! What is said of a key, and the small words around it.

use byok_core::policy::status::status;
use byok_core::{KeyStatus, Label, ProviderId, Test, Verdict};
use kernel::Timestamp;

const ALL: [Verdict; 4] = [Verdict::Valid, Verdict::Invalid, Verdict::Error, Verdict::Unknown];

fn after(before: Option<Test>, verdict: Verdict) -> Test {
    Test::after(before, Timestamp::UNIX_EPOCH, verdict)
}

#[test]
fn statuses() {
    use KeyStatus::{Active, Disabled, Rejected, Undecryptable};
    for verdict in ALL {
        for refused in [false, true] {
            let test = Some(Test { at: Timestamp::UNIX_EPOCH, verdict, refused });
            assert_eq!(status(true, true, test), if refused { Rejected } else { Active }, "{verdict:?}");
            assert_eq!(status(true, false, test), Disabled, "{verdict:?}");
            assert_eq!(status(false, true, test), Undecryptable, "{verdict:?}");
            assert_eq!(status(false, false, test), Undecryptable, "{verdict:?}");
        }
    }
    assert_eq!([status(true, true, None), status(true, false, None)], [Active, Disabled]);
    assert_eq!([status(false, true, None), status(false, false, None)], [Undecryptable; 2]);
    let names = [Active, Rejected, Undecryptable, Disabled].map(KeyStatus::as_str);
    assert_eq!(names, ["active", "rejected", "undecryptable", "disabled"]);
}

#[test]
fn a_test_that_found_nothing_out_takes_no_refusal_back() {
    for (history, refused) in [
        (&[Verdict::Valid][..], false),
        (&[Verdict::Error], false),
        (&[Verdict::Unknown], false),
        (&[Verdict::Invalid], true),
        (&[Verdict::Invalid, Verdict::Unknown], true),
        (&[Verdict::Invalid, Verdict::Error, Verdict::Unknown, Verdict::Error], true),
        (&[Verdict::Invalid, Verdict::Unknown, Verdict::Valid], false),
        (&[Verdict::Invalid, Verdict::Valid, Verdict::Unknown], false),
        (&[Verdict::Valid, Verdict::Unknown, Verdict::Invalid], true),
    ] {
        let last = history.iter().fold(None, |before, verdict| Some(after(before, *verdict))).unwrap();
        assert_eq!((last.refused, last.verdict), (refused, *history.last().unwrap()), "{history:?}");
    }
}

#[test]
fn words_read_back() {
    for verdict in ALL {
        assert_eq!(Verdict::parse(verdict.as_str()), Some(verdict));
    }
    assert_eq!(Verdict::parse("Valid"), None);
    let long = "a".repeat(65);
    for good in ["openai", "azure_openai", "a", "0-_9"] {
        assert_eq!(good.parse::<ProviderId>().map(|id| id.to_string()).as_deref(), Ok(good));
    }
    for bad in ["", "OpenAI", "-a", "a_", "a b", "a/b", "ä", "a\0", "../a", &long] {
        assert!(bad.parse::<ProviderId>().is_err(), "{bad:?}");
    }
    assert_eq!(Label::parse(" \u{a0}\n").unwrap(), None, "nothing but blanks");
    assert_eq!(Label::parse("Söhne & Co").unwrap().unwrap().as_str(), "Söhne & Co");
    assert!(Label::parse(&"ß".repeat(100)).unwrap().is_some());
    assert!(Label::parse(&"ß".repeat(101)).is_err());
    assert!(Label::parse("one\ntwo").is_err());
}
