//! What payment providers send. Kept before it is acknowledged; a worker applies it. Nothing is read or written before the signature is
//! right.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::web::Data;
use billing_core::{Billing, InboundEvent, PaymentProvider};
use kernel::Ambient;
use utoipa::openapi::path::ParameterIn;

use super::dto::event::{EventBody, EventKept};
use crate::Answer;
use crate::caller::data;
use crate::endpoint::{Argument, Doc, Endpoint};
use crate::input::read;
use crate::problem::Problem;
use crate::webhook::{WebhookVerifier, Webhooks};

/// The greatest event, in bytes.
const MAX_EVENT: usize = 1024 * 1024;

/// The operations that payment providers call. Who sends is proved by a signature, so no CSRF policy applies; `csrf_exempt` lists them.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/billing/webhooks/stripe", stripe)
            .also("/api/v1/webhooks/stripe")
            .summary("Takes an event from Stripe; only where its secret is configured")
            .unlimited(),
        Endpoint::post("/api/v1/webhooks/lago", lago)
            .summary("Takes an event from Lago; only where its secret is configured")
            .unlimited(),
    ]
}

async fn stripe(billing: Data<Billing>, event: Proved<FromStripe>) -> Result<Answer<EventKept>, Problem> {
    keep(&billing, &event.event).await
}

async fn lago(billing: Data<Billing>, event: Proved<FromLago>) -> Result<Answer<EventKept>, Problem> {
    keep(&billing, &event.event).await
}

async fn keep(billing: &Billing, event: &InboundEvent) -> Result<Answer<EventKept>, Problem> {
    let received = billing.receive(event).await?;
    Ok(Answer::new(EventKept::new(received, &event.id)))
}

/// An event that its sender proved to be its own.
struct Proved<S> {
    event: InboundEvent,
    sender: PhantomData<S>,
}

/// A payment provider that sends events.
trait Sender {
    const PROVIDER: PaymentProvider;
    /// The header with the proof.
    const HEADER: &'static str;
    /// What is answered when the proof is wrong.
    const REFUSAL: u16;
    /// What checks it, where its secret is configured.
    fn verifier(webhooks: &Webhooks) -> Option<&Arc<dyn WebhookVerifier>>;
}

/// Stripe.
struct FromStripe;

impl Sender for FromStripe {
    const PROVIDER: PaymentProvider = PaymentProvider::Stripe;
    const HEADER: &'static str = "Stripe-Signature";
    const REFUSAL: u16 = 400;
    fn verifier(webhooks: &Webhooks) -> Option<&Arc<dyn WebhookVerifier>> {
        webhooks.stripe.as_ref()
    }
}

/// Lago.
struct FromLago;

impl Sender for FromLago {
    const PROVIDER: PaymentProvider = PaymentProvider::Lago;
    const HEADER: &'static str = "X-Lago-Signature";
    const REFUSAL: u16 = 401;
    fn verifier(webhooks: &Webhooks) -> Option<&Arc<dyn WebhookVerifier>> {
        webhooks.lago.as_ref()
    }
}

impl<S: Sender> Argument for Proved<S> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let webhooks = data::<Webhooks>(request)?;
        let verifier = S::verifier(&webhooks).ok_or_else(Problem::not_found)?;
        let body = read(request, payload, MAX_EVENT).await?;
        let now = data::<Ambient>(request)?.now();
        let event = verifier.verify(request.headers(), &body, now);
        let event = event.map_err(|why| Problem::unsigned(S::PROVIDER, why))?;
        Ok(Self { event, sender: PhantomData })
    }

    fn describe(doc: &mut Doc) {
        doc.body::<EventBody>("application/json");
        // The bytes are kept as they came, whatever they are.
        doc.without(415, "unsupported_media_type");
        doc.without(422, "invalid_request");
        doc.parameter(S::HEADER, ParameterIn::Header, false, "The proof that the provider sent these bytes.");
        doc.problem(S::REFUSAL, "invalid_signature");
        doc.problem(400, "body_incomplete");
        doc.problem(404, "not_found");
        doc.problem(503, "unavailable");
    }
}
