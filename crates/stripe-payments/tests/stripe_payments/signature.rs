use billing_core::BadSignature;
use chrono::{DateTime, TimeDelta};
use kernel::Timestamp;
use secrecy::SecretString;
use stripe_payments::webhook::{TOLERANCE, verify};
use testkit::FakeStripe;

const BODY: &[u8] = br#"{"id":"evt_1","type":"invoice.paid"}"#;
const SECRET: &str = "whsec_one";
const NOW: i64 = 1_900_000_000;

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn signed(secret: &str, seconds: i64) -> String {
    FakeStripe::sign_with(secret, at(seconds), BODY)
}

fn v1(header: &str) -> &str {
    header.split_once(",v1=").unwrap().1
}

fn secrets(all: &[&str]) -> Vec<SecretString> {
    all.iter().map(|secret| SecretString::from(*secret)).collect()
}

fn judged(known: &[&str], header: &str, body: &[u8]) -> Result<(), BadSignature> {
    verify(&secrets(known), header, body, at(NOW), TOLERANCE)
}

#[test]
fn the_signature_of_stripe_s_own_libraries_is_taken() {
    // `printf '1900000000.{"id":"evt_1","type":"invoice.paid"}' | openssl dgst -sha256 -hmac whsec_one`
    let header = format!("t={NOW},v1=5dadb156a877a5c92688489c0698ed9499836dff03f0d6f30c0e01ddb03b65b2");
    assert_eq!(signed(SECRET, NOW), header);
    assert_eq!(judged(&[SECRET], &header, BODY), Ok(()));
}

#[test]
fn any_of_the_signatures_and_any_of_the_secrets_will_do() {
    let (one, two) = (signed("whsec_one", NOW), signed("whsec_two", NOW));
    let (first, second) = (v1(&one), v1(&two));
    for header in [
        format!("t={NOW},v1={first},v1={second}"),
        format!("t={NOW},v1={second},v1={first}"),
        format!("v1={second},v1={first},t={NOW}"),
        format!("t={NOW}, v1={first}"),
        format!("t={NOW},v0=old,v1={first},v9=new"),
        format!("t={NOW},v1=short,v1={}", first.to_uppercase()),
    ] {
        assert_eq!(judged(&["whsec_one"], &header, BODY), Ok(()), "{header}");
        assert_eq!(judged(&["whsec_three", "whsec_one"], &header, BODY), Ok(()), "{header}");
        assert_eq!(judged(&["whsec_three"], &header, BODY), Err(BadSignature::Wrong), "{header}");
    }
}

#[test]
fn five_minutes_both_ways() {
    for (seconds, fits) in
        [(0, true), (-300, true), (300, true), (-301, false), (301, false), (-86_400, false), (86_400, false)]
    {
        let answer = judged(&[SECRET], &signed(SECRET, NOW + seconds), BODY);
        let expected = if fits { Ok(()) } else { Err(BadSignature::Stale(at(NOW + seconds))) };
        assert_eq!(answer, expected, "{seconds}");
    }
    let header = signed(SECRET, NOW - 20);
    assert!(verify(&secrets(&[SECRET]), &header, BODY, at(NOW), TimeDelta::seconds(10)).is_err());
}

#[test]
fn nothing_else_is_taken() {
    let good = signed(SECRET, NOW);
    let mac = v1(&good).to_owned();
    let flipped = |at: usize| {
        let mut digits = mac.clone().into_bytes();
        digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
        format!("t={NOW},v1={}", String::from_utf8(digits).unwrap())
    };
    let headers = [
        String::new(),
        "v1".to_owned(),
        "garbage".to_owned(),
        format!("t={NOW}"),
        format!("v1={mac}"),
        format!("t=,v1={mac}"),
        format!("t={NOW},v1="),
        format!("t={NOW},v0={mac}"),
        format!("t={NOW},V1={mac}"),
        format!("t={NOW};v1={mac}"),
        format!("t={NOW},v1={}", &mac[..63]),
        format!("t={NOW},v1={mac}0"),
        format!("t={NOW},v1={}", "0".repeat(64)),
        format!("t={NOW},v1={}", "g".repeat(64)),
        format!("t={NOW},v1={}ä", &mac[..62]),
        format!("t={},v1={mac}", NOW + 1),
        format!("t=+{NOW},v1={mac}"),
        format!("t=0{NOW},v1={mac}"),
        format!("t={NOW}.0,v1={mac}"),
        format!("t=-{NOW},v1={mac}"),
        format!("t={NOW}0000000000000000000,v1={mac}"),
        format!("t={NOW},t={NOW},v1={mac}"),
        flipped(0),
        flipped(63),
        signed("whsec_two", NOW),
        signed("", NOW),
        signed("one", NOW),
    ];
    for header in &headers {
        assert!(judged(&[SECRET], header, BODY).is_err(), "{header}");
    }
    for body in
        [&b""[..], &BODY[1..], b"{}", &[BODY, b" "].concat(), &[BODY, b"\n"].concat(), &BODY.to_ascii_uppercase()]
    {
        assert_eq!(judged(&[SECRET], &good, body), Err(BadSignature::Wrong), "{body:?}");
    }
    // Without a secret nobody has signed, and an empty one is none.
    assert_eq!(judged(&[], &good, BODY), Err(BadSignature::Wrong));
    assert_eq!(judged(&[""], &signed("", NOW), BODY), Err(BadSignature::Wrong));
}
