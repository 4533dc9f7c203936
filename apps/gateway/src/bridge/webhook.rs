use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use billing_core::{BadSignature, InboundEvent, PaymentProvider};
use http_api::WebhookVerifier;
use kernel::Timestamp;
use lago_billing::{LagoHeaders, LagoWebhook};
use secrecy::SecretString;
use stripe_payments::webhook;

/// Events that are Stripe's.
pub(crate) struct StripeEvents {
    /// The signing secrets of our endpoint.
    pub(crate) secrets: Vec<SecretString>,
    /// Whether we move real money: what is about the other kind is about nobody here.
    pub(crate) live: bool,
}

impl StripeEvents {
    /// Itself, if it can prove anything.
    pub(crate) fn heard(self) -> Option<Arc<dyn WebhookVerifier>> {
        if self.secrets.is_empty() {
            return None;
        }
        Some(Arc::new(self))
    }
}

impl WebhookVerifier for StripeEvents {
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<InboundEvent, BadSignature> {
        let header = text(headers, "stripe-signature").ok_or(BadSignature::Missing)?;
        webhook::verify(&self.secrets, header, body, now, webhook::TOLERANCE)?;
        let event = webhook::read(body);
        let ours = event.livemode.is_none_or(|live| live == self.live);
        Ok(InboundEvent {
            provider: PaymentProvider::Stripe,
            id: event.id,
            kind: event.kind,
            customer: event.customer.filter(|_| ours),
            received_at: now,
            body: body.to_vec(),
        })
    }
}

/// Events that are Lago's.
pub(crate) struct LagoEvents(pub(crate) LagoWebhook);

impl WebhookVerifier for LagoEvents {
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<InboundEvent, BadSignature> {
        let headers = LagoHeaders {
            signature: text(headers, "x-lago-signature"),
            algorithm: text(headers, "x-lago-signature-algorithm"),
            unique_key: text(headers, "x-lago-unique-key"),
        };
        self.0.event(&headers, body, now)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
