//! Events, and how they reach whoever listens: signed, and as badly as a test wants.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::book::{Book, number, text};
use super::control::StripeShape;

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeEvent {
    /// `evt_…`
    pub id: String,
    /// `invoice.paid`
    pub kind: String,
    /// What is sent.
    pub body: Vec<u8>,
}

/// Where events go, and what happens to them.
pub(super) struct Mail {
    pub(super) secret: String,
    pub(super) url: Option<String>,
    pub(super) waiting: Vec<StripeEvent>,
    pub(super) shape: StripeShape,
    /// Of so many events one is never sent.
    pub(super) lose_every: u64,
    pub(super) copies: usize,
    emitted: u64,
}

impl Mail {
    pub(super) const fn new(secret: String) -> Self {
        let shape = StripeShape::Newer;
        Self { secret, url: None, waiting: Vec::new(), shape, lose_every: 0, copies: 1, emitted: 0 }
    }
}

impl Book {
    /// Something happened to this object, which is as it is now.
    pub(super) fn tell(&mut self, kind: &str, id: &str) {
        let object = self.objects.get(id).cloned().unwrap_or_default();
        self.tell_of(kind, object, &json!({}));
    }

    pub(super) fn tell_of(&mut self, kind: &str, object: Value, before: &Value) {
        let object = self.shown(object, &[]).unwrap_or_default();
        let (object, version) = match self.mail.shape {
            StripeShape::Newer => (object, "2026-09-30.endive"),
            StripeShape::Older => (self.older(object), "2024-06-20"),
        };
        let mut data = json!({"object": object});
        if before.as_object().is_some_and(|before| !before.is_empty()) {
            data["previous_attributes"] = before.clone();
        }
        let event = json!({"api_version": version, "type": kind, "data": data, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null}});
        let id = self.make("evt", "event", event);
        self.mail.emitted += 1;
        if self.mail.lose_every > 0 && self.mail.emitted.is_multiple_of(self.mail.lose_every) {
            return;
        }
        let body = serde_json::to_vec_pretty(&self.objects[&id]).expect("JSON");
        let event = StripeEvent { id, kind: kind.to_owned(), body };
        let copies = self.mail.copies;
        self.mail.waiting.extend(std::iter::repeat_n(event, copies));
    }

    /// An object in the shape of 2024-06-20.
    fn older(&self, mut object: Value) -> Value {
        match text(&object, "/object") {
            "subscription" => {
                for name in ["current_period_start", "current_period_end"] {
                    object[name] = json!(number(&object, &format!("/items/data/0/{name}")));
                    if let Some(item) = object["items"]["data"][0].as_object_mut() {
                        item.remove(name);
                    }
                }
            }
            "invoice" => {
                object["subscription"] = object["parent"]["subscription_details"]["subscription"].take();
                let full = self.objects.get(text(&object, "/id")).cloned().unwrap_or_default();
                object["payment_intent"] = full["payments"]["data"][0]["payment"]["payment_intent"].clone();
                object["paid"] = json!(object["status"] == "paid");
                if let Some(fields) = object.as_object_mut() {
                    fields.remove("parent");
                }
            }
            _ => {}
        }
        object
    }

    /// The `Stripe-Signature` of a body, made now.
    pub(super) fn signature(&self, body: &[u8]) -> String {
        signed(&self.mail.secret, self.clock.now().timestamp(), body)
    }
}

/// The `Stripe-Signature` of a body (docs.stripe.com/webhooks/signature).
pub(super) fn signed(secret: &str, time: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let digits = mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("t={time},v1={digits}")
}

/// Sends an event to an `http://` address; the status that came back.
pub(super) fn post(url: &str, signature: &str, body: &[u8]) -> std::io::Result<u16> {
    let rest = url.strip_prefix("http://").ok_or_else(|| std::io::Error::other("the fake speaks plain HTTP only"))?;
    let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, path.to_owned()));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json; charset=utf-8\r\nUser-Agent: Stripe/1.0 (fake)\r\n\
         Stripe-Signature: {signature}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let line = String::from_utf8_lossy(&answer);
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other("no answer"))
}
