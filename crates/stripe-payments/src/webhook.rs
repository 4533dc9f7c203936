//! Events that Stripe sends: who sent them, and about whom they are. What they say besides is not believed.

use billing_core::BadSignature;
use chrono::{DateTime, TimeDelta};
use hmac::{Hmac, KeyInit, Mac};
use kernel::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::read::Object;

/// How far the sender's clock and ours may be apart, both ways: what Stripe's libraries hold to.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(300);
/// No name of an event that we keep is longer.
const NAME: usize = 255;

/// Whether Stripe sent this body: one of the header's `v1` signatures is the HMAC-SHA256 of `t.body` under one of the secrets, and `t` is
/// not further than `tolerance` from now, before or after. While a secret is rolled there are two of each
/// (docs.stripe.com/webhooks/signature).
pub fn verify(
    secrets: &[SecretString],
    header: &str,
    body: &[u8],
    now: Timestamp,
    tolerance: TimeDelta,
) -> Result<(), BadSignature> {
    let (text, at, signatures) = parts(header).ok_or(BadSignature::Missing)?;
    let known = secrets.iter().map(|secret| secret.expose_secret().as_bytes()).filter(|secret| !secret.is_empty());
    // Each secret is tried with each signature, whichever fits: how long it takes says nothing.
    let fits = known.filter(|secret| proves(secret, text, body, &signatures)).count();
    if fits == 0 {
        return Err(BadSignature::Wrong);
    }
    if (now - at).abs() > tolerance { Err(BadSignature::Stale(at)) } else { Ok(()) }
}

fn proves(secret: &[u8], time: &str, body: &[u8], signatures: &[[u8; 32]]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
    for part in [time.as_bytes(), b".", body] {
        mac.update(part);
    }
    signatures.iter().filter(|signature| mac.clone().verify_slice(*signature).is_ok()).count() > 0
}

/// The time, as written and as meant, and the signatures of `t=…,v1=…,v1=…`. Other schemes, `v0` among them, prove nothing.
fn parts(header: &str) -> Option<(&str, Timestamp, Vec<[u8; 32]>)> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", _) if time.is_some() => return None,
            ("t", text) => time = Some(text),
            ("v1", text) => signatures.extend(hex(text)),
            _ => {}
        }
    }
    let text = time.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let at = DateTime::from_timestamp(text.parse().ok()?, 0)?;
    (!signatures.is_empty()).then_some((text, at, signatures))
}

fn hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = digits else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// What an event says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventParts {
    /// `evt_…`; of a body without a name, the name is made from the body, so that its copies are one.
    pub id: String,
    /// `invoice.paid`; empty when it does not say.
    pub kind: String,
    /// The customer that it is about, if it names one.
    pub customer: Option<String>,
    /// Whether it is about real money, if it says so.
    pub livemode: Option<bool>,
}

/// Reads a body whose sender is proved. Any body has parts: what cannot be read is kept under a name of its own, and seen by people.
pub fn read(body: &[u8]) -> EventParts {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let event = Object::new(&value);
    let visible =
        |text: &&str| text.len() <= NAME && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let of_bytes = || {
        let digest = Sha256::digest(body);
        digest.iter().fold("sha256:".to_owned(), |name, byte| format!("{name}{byte:02x}"))
    };
    EventParts {
        id: event.text("/id").filter(visible).map_or_else(of_bytes, str::to_owned),
        kind: event.text("/type").filter(visible).unwrap_or_default().to_owned(),
        customer: customer_in(event).filter(visible).map(str::to_owned),
        livemode: event.get("/livemode").map(|_| event.flag("/livemode")),
    }
}

/// The customer that an event names: its object, or the object's, or the one that the object had before; or, in an event that carries
/// no object, what it relates to.
pub(crate) fn customer_in(event: Object<'_>) -> Option<&str> {
    if event.text("/data/object/object") == Some("customer") {
        return event.text("/data/object/id");
    }
    let related =
        || event.text("/related_object/id").filter(|_| event.text("/related_object/type") == Some("customer"));
    event.first_id(&["/data/object/customer", "/data/previous_attributes/customer"]).or_else(related)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts_of(value: &Value) -> EventParts {
        read(&serde_json::to_vec(value).unwrap())
    }

    #[test]
    fn an_event_of_any_shape_has_parts() {
        let known = json!({"id": "evt_1", "type": "invoice.paid", "livemode": false, "data": {"object": {"customer": "cus_1"}}});
        let parts = parts_of(&known);
        assert_eq!(
            (parts.id.as_str(), parts.kind.as_str(), parts.customer.as_deref(), parts.livemode),
            ("evt_1", "invoice.paid", Some("cus_1"), Some(false))
        );
        for (event, customer) in [
            (json!({"data": {"object": {"customer": {"id": "cus_2"}}}}), Some("cus_2")),
            (json!({"data": {"object": {"object": "customer", "id": "cus_3"}}}), Some("cus_3")),
            (
                json!({"data": {"object": {"customer": null}, "previous_attributes": {"customer": "cus_4"}}}),
                Some("cus_4"),
            ),
            (json!({"object": "v2.core.event", "related_object": {"type": "customer", "id": "cus_5"}}), Some("cus_5")),
            (json!({"data": {"object": {"object": "dispute", "charge": "ch_1"}}}), None),
            (json!({"data": 7}), None),
            (json!([1, 2]), None),
        ] {
            assert_eq!(parts_of(&event).customer.as_deref(), customer, "{event}");
        }
    }

    #[test]
    fn a_body_without_a_name_is_named_by_its_bytes() {
        for body in ["", "no JSON", "{}", r#"{"id": 7}"#, r#"{"id": "a b"}"#] {
            let name = read(body.as_bytes()).id;
            assert!(name.starts_with("sha256:") && name.len() == 71, "{name}");
            assert_eq!(read(body.as_bytes()).id, name);
        }
        assert_ne!(read(b"a").id, read(b"b").id);
    }
}
