use actix_web::http::header::{HeaderName, HeaderValue};

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
    };
    pairs.iter().map(pair).collect()
}

const BODY: &[u8] = br#"{"id":"evt_1","type":"invoice.paid","livemode":false,"data":{"object":{"customer":"cus_1"}}}"#;

fn signed(now: Timestamp) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"whsec_test").expect("a key");
    let time = now.timestamp().to_string();
    for part in [time.as_bytes(), b".", BODY] {
        mac.update(part);
    }
    let proof: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={proof}")
}

#[test]
fn an_event_of_stripe_is_kept_whole_and_one_of_other_money_is_about_nobody() {
    let now = Timestamp::default();
    let stripe = |live| StripeEvents { secrets: vec!["whsec_test".into()], live }.heard().expect("a verifier");
    let good = headers(&[("stripe-signature", &signed(now))]);
    let event = stripe(false).verify(&good, BODY, now).expect("an event");
    assert_eq!(
        (event.provider, event.id.as_str(), event.kind.as_str()),
        (PaymentProvider::Stripe, "evt_1", "invoice.paid")
    );
    assert_eq!((event.customer.as_deref(), event.body.as_slice(), event.received_at), (Some("cus_1"), BODY, now));
    assert_eq!(stripe(true).verify(&good, BODY, now).expect("an event").customer, None);
    assert_eq!(stripe(false).verify(&headers(&[]), BODY, now), Err(BadSignature::Missing));
    assert_eq!(stripe(false).verify(&good, b"{}", now), Err(BadSignature::Wrong));
    assert!(StripeEvents { secrets: Vec::new(), live: false }.heard().is_none(), "without a secret there is no route");
}

#[test]
fn an_event_of_lago_is_read_from_its_headers() {
    let lago = LagoEvents(LagoWebhook::new(vec!["secret".into()]));
    // printf body | openssl dgst -sha256 -hmac secret -binary | base64
    let signature = "3EaYNVf+oSe0OvchRn65s/3iM4/j4U9RlSqoR4wT01U=";
    let named =
        [("x-lago-signature", signature), ("x-lago-signature-algorithm", "hmac"), ("x-lago-unique-key", "key-1")];
    let event = lago.verify(&headers(&named), b"body", Timestamp::default()).expect("an event");
    assert_eq!((event.provider, event.id.as_str()), (PaymentProvider::Lago, "key-1"));
    for missing in 0..named.len() {
        let some: Vec<_> = named.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, pair)| *pair).collect();
        assert!(lago.verify(&headers(&some), b"body", Timestamp::default()).is_err(), "without {}", named[missing].0);
    }
}
