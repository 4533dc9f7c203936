//! Who sent an event: a port, because each payment provider proves that in its own way.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use billing_core::{BadSignature, InboundEvent};
use kernel::Timestamp;

/// Proves that an event comes from its provider, and reads which one it is. Asks nobody and keeps nothing: junk must cost nothing
/// (WH-8).
pub trait WebhookVerifier: Send + Sync {
    /// The event of a request with these headers and every byte of this body, which came now.
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<InboundEvent, BadSignature>;
}

/// The providers whose events are taken. Where one's secret is not configured, its address does not exist.
#[derive(Clone, Default)]
pub struct Webhooks {
    /// Stripe.
    pub stripe: Option<Arc<dyn WebhookVerifier>>,
    /// Lago.
    pub lago: Option<Arc<dyn WebhookVerifier>>,
}
