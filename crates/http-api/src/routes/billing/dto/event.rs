//! What payment providers send, and what they are answered.

use billing_core::Received;
use serde::Serialize;
use utoipa::ToSchema;

/// An event, in whichever shape its provider gives it.
#[derive(ToSchema)]
#[schema(as = ProviderEvent, value_type = Object)]
#[schema(example = json!({"id": "evt_1PgafmB7WZ01zgkW6dKueIc5", "type": "invoice.paid"}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(in crate::routes::billing) struct EventBody(serde_json::Value);

/// The event is kept: it need not be sent again.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::billing) struct EventKept {
    /// `received`, or `duplicate` for one that was kept before.
    #[schema(example = "received")]
    status: &'static str,
    /// The provider's name for it.
    #[schema(example = "evt_1PgafmB7WZ01zgkW6dKueIc5")]
    event_id: String,
}

impl EventKept {
    /// So the event of this name was received.
    pub(in crate::routes::billing) fn new(received: Received, id: &str) -> Self {
        let status = match received {
            Received::New => "received",
            Received::Duplicate => "duplicate",
        };
        Self { status, event_id: id.to_owned() }
    }
}
