use base64::{Engine, engine::general_purpose::STANDARD};
use billing_core::{BadSignature, InboundEvent, PaymentProvider};
use hmac::{Hmac, KeyInit, Mac};
use kernel::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;

use crate::jwt::LagoPublicKey;

/// The longest name of an event that is kept; Lago's are UUIDs.
const LONGEST_NAME: usize = 255;

/// The headers that Lago sends beside an event, as they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LagoHeaders<'a> {
    /// `X-Lago-Signature`
    pub signature: Option<&'a str>,
    /// `X-Lago-Signature-Algorithm`: `hmac` or `jwt`
    pub algorithm: Option<&'a str>,
    /// `X-Lago-Unique-Key`
    pub unique_key: Option<&'a str>,
}

/// Believes events of Lago's, and no others. Without a secret and without a key it believes nothing.
///
/// Lago signs the body, and neither its time nor its name: an old event may be sent again under another name. It then makes us look at
/// Lago again, and nothing else: what an event says is never believed.
#[derive(Debug, Clone, Default)]
pub struct LagoWebhook {
    secrets: Vec<SecretString>,
    key: Option<LagoPublicKey>,
}

impl LagoWebhook {
    /// One that believes events of the kind `hmac` that any of these secrets made: two while a secret is replaced by another.
    pub const fn new(secrets: Vec<SecretString>) -> Self {
        Self { secrets, key: None }
    }

    /// Also believes events of the kind `jwt` that this key made.
    #[must_use]
    pub fn with_key(self, key: LagoPublicKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The event, if Lago sent it: its name is the unique key that Lago gave it.
    pub fn event(
        &self,
        headers: &LagoHeaders<'_>,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<InboundEvent, BadSignature> {
        self.verify(headers, body)?;
        let id = headers.unique_key.map(str::trim).filter(|key| is_name(key)).ok_or(BadSignature::Missing)?;
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        Ok(InboundEvent {
            provider: PaymentProvider::Lago,
            id: id.to_owned(),
            kind: said.get("webhook_type").and_then(Value::as_str).unwrap_or_default().to_owned(),
            customer: customer(&said).map(str::to_owned),
            received_at,
            body: body.to_vec(),
        })
    }

    /// Whether one of the secrets, or the key, signed exactly these bytes.
    pub fn verify(&self, headers: &LagoHeaders<'_>, body: &[u8]) -> Result<(), BadSignature> {
        let signature =
            headers.signature.map(str::trim).filter(|text| !text.is_empty()).ok_or(BadSignature::Missing)?;
        let signed = match headers.algorithm.map(str::trim) {
            Some("hmac") => self.is_hmac(signature, body)?,
            Some("jwt") => self.key.as_ref().is_some_and(|key| key.signed(signature, body)),
            _ => return Err(BadSignature::Missing),
        };
        if signed { Ok(()) } else { Err(BadSignature::Wrong) }
    }

    fn is_hmac(&self, signature: &str, body: &[u8]) -> Result<bool, BadSignature> {
        let Ok(signature) = STANDARD.decode(signature) else { return Err(BadSignature::Missing) };
        let made_by = |secret: &SecretString| {
            // A key of any length will do.
            let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
            // Compared in constant time; an empty secret proves nothing.
            !secret.expose_secret().is_empty()
                && mac.is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
        };
        Ok(self.secrets.iter().any(made_by))
    }
}

/// Whether an event can be kept under this name.
fn is_name(key: &str) -> bool {
    !key.is_empty() && key.len() <= LONGEST_NAME && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The customer that an event is about: its object is one, or belongs to one.
fn customer(said: &Value) -> Option<&str> {
    let kind = said.get("object_type").and_then(Value::as_str)?;
    let object = said.get(kind)?;
    let own = object.get("external_id").filter(|_| kind == "customer");
    let named = own.or_else(|| object.get("external_customer_id"));
    named.or_else(|| object.get("customer")?.get("external_id"))?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that was made for this test (`openssl genrsa 2048`), and a token that it signed for [`BODY`].
    const PUBLIC_KEY: &str = include_str!("../tests/lago/public_key.pem");
    const TOKEN: &str = include_str!("../tests/lago/token.jwt");
    const BODY: &[u8] = br#"{"webhook_type":"invoice.payment_status_updated","object_type":"invoice","invoice":{"customer":{"external_id":"org_1"}}}"#;

    fn hmac(secret: &str, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
        STANDARD.encode(mac.finalize().into_bytes())
    }

    fn headers<'a>(signature: &'a str, algorithm: &'a str) -> LagoHeaders<'a> {
        LagoHeaders { signature: Some(signature), algorithm: Some(algorithm), unique_key: Some("4b8f-1") }
    }

    fn webhook() -> LagoWebhook {
        LagoWebhook::new(vec!["old".into(), "new".into()]).with_key(LagoPublicKey::parse(PUBLIC_KEY).unwrap())
    }

    #[test]
    fn what_any_of_the_secrets_signed_is_believed() {
        for secret in ["old", "new"] {
            let event = webhook().event(&headers(&hmac(secret, BODY), "hmac"), BODY, Timestamp::default()).unwrap();
            assert_eq!((event.id.as_str(), event.kind.as_str()), ("4b8f-1", "invoice.payment_status_updated"));
            assert_eq!((event.customer.as_deref(), event.body.as_slice()), (Some("org_1"), BODY));
        }
        // A known answer, from `openssl dgst -sha256 -hmac secret -binary | base64`.
        let known = "3EaYNVf+oSe0OvchRn65s/3iM4/j4U9RlSqoR4wT01U=";
        let said = LagoWebhook::new(vec!["secret".into()]).verify(&headers(known, "hmac"), b"body");
        assert_eq!(said, Ok(()));
    }

    #[test]
    fn what_the_key_signed_is_believed_and_nothing_else() {
        assert_eq!(webhook().verify(&headers(TOKEN.trim(), "jwt"), BODY), Ok(()));
        assert_eq!(webhook().verify(&headers(TOKEN.trim(), "jwt"), b"{}"), Err(BadSignature::Wrong));
        let without = LagoWebhook::new(vec!["new".into()]);
        assert_eq!(without.verify(&headers(TOKEN.trim(), "jwt"), BODY), Err(BadSignature::Wrong));
        let (signed, signature) = TOKEN.trim().rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        for token in [
            format!("{}.{claims}.{signature}", encode(r#"{"alg":"none"}"#)),
            format!("{}.{claims}.", encode(r#"{"alg":"none"}"#)),
            format!("{}.{claims}.{signature}", encode(r#"{"alg":"HS256"}"#)),
            format!("{}.{claims}.{signature}", encode(r#"{"alg":"RS512"}"#)),
            format!("{header}.{}.{signature}", encode(r#"{"data":"{}"}"#)),
            format!("{header}.{claims}.{}", signature.chars().rev().collect::<String>()),
            format!("{header}.{claims}"),
            "..".to_owned(),
        ] {
            assert_eq!(webhook().verify(&headers(&token, "jwt"), BODY), Err(BadSignature::Wrong), "{token}");
        }
    }

    #[test]
    fn an_event_without_a_full_proof_is_refused() {
        let good = hmac("new", BODY);
        let full = headers(&good, "hmac");
        let event =
            |headers: LagoHeaders<'_>| webhook().event(&headers, BODY, Timestamp::default()).map(|event| event.id);
        assert_eq!(event(full), Ok("4b8f-1".to_owned()));
        let long = "k".repeat(256);
        for missing in [
            LagoHeaders::default(),
            LagoHeaders { signature: None, ..full },
            LagoHeaders { signature: Some(""), ..full },
            LagoHeaders { signature: Some(" "), ..full },
            LagoHeaders { signature: Some("not base64!"), ..full },
            LagoHeaders { algorithm: None, ..full },
            LagoHeaders { algorithm: Some("none"), ..full },
            LagoHeaders { algorithm: Some("HMAC"), ..full },
            LagoHeaders { unique_key: None, ..full },
            LagoHeaders { unique_key: Some(""), ..full },
            LagoHeaders { unique_key: Some("a b"), ..full },
            LagoHeaders { unique_key: Some("a\nb"), ..full },
            LagoHeaders { unique_key: Some(&long), ..full },
        ] {
            assert_eq!(event(missing), Err(BadSignature::Missing), "{missing:?}");
        }
        let others = hmac("other", BODY);
        let (short, hex) = (STANDARD.encode(&STANDARD.decode(&good).unwrap()[..31]), "00".repeat(32));
        for wrong in [others.as_str(), &short, &hex, "AAAA"] {
            assert_eq!(event(headers(wrong, "hmac")), Err(BadSignature::Wrong), "{wrong}");
        }
        assert_eq!(webhook().verify(&full, &BODY[1..]), Err(BadSignature::Wrong));
        assert_eq!(event(headers(&good, "jwt")), Err(BadSignature::Wrong));
        assert_eq!(LagoWebhook::default().verify(&full, BODY), Err(BadSignature::Wrong));
        let empty = LagoWebhook::new(vec!["".into()]);
        assert_eq!(empty.verify(&headers(&hmac("", BODY), "hmac"), BODY), Err(BadSignature::Wrong));
    }

    #[test]
    fn the_customer_is_found_in_every_kind_of_event() {
        for (body, expected) in [
            (r#"{"object_type":"customer","customer":{"external_id":"org_1"}}"#, Some("org_1")),
            (
                r#"{"object_type":"subscription","subscription":{"external_id":"org_1_1","external_customer_id":"org_1"}}"#,
                Some("org_1"),
            ),
            (r#"{"object_type":"invoice","invoice":{"customer":{"external_id":"org_1"}}}"#, Some("org_1")),
            (r#"{"object_type":"plan","plan":{"code":"starter"}}"#, None),
            (r#"{"object_type":"subscription","subscription":{"external_id":"org_1"}}"#, None),
            (r#"{"object_type":7}"#, None),
            ("[]", None),
            ("not json", None),
        ] {
            let signature = hmac("new", body.as_bytes());
            let event = webhook().event(&headers(&signature, "hmac"), body.as_bytes(), Timestamp::default()).unwrap();
            assert_eq!(event.customer.as_deref(), expected, "{body}");
        }
    }
}
