use std::collections::BTreeSet;

use billing_core::GatewayError;
use kernel::Timestamp;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::charge::RetrieveCharge;

use crate::gateway::StripeGateway;
use crate::read::{Object, id};
use crate::webhook;

/// The events after which a customer's entitlement may be another; Stripe takes twenty names at most.
const KINDS: [&str; 18] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
];

impl StripeGateway {
    /// Whom the events since then are about.
    pub(crate) async fn happened(&self, since: Timestamp) -> Result<Vec<String>, GatewayError> {
        let events = |after: Option<String>| {
            let mut query = vec![
                ("limit".to_owned(), "100".to_owned()),
                ("created[gte]".to_owned(), since.timestamp().to_string()),
            ];
            query.extend(KINDS.iter().enumerate().map(|(n, kind)| (format!("types[{n}]"), (*kind).to_owned())));
            query.extend(after.map(|after| ("starting_after".to_owned(), after)));
            let mut request = RequestBuilder::new(StripeMethod::Get, "/events");
            request.query =
                Some(query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"));
            request
        };
        let (mut customers, mut charges) = (BTreeSet::new(), BTreeSet::new());
        for value in self.pages(usize::MAX, events).await? {
            let event = Object::new(&value);
            match (webhook::customer_in(event), event.id("/data/object/charge")) {
                (Some(customer), _) => drop(customers.insert(customer.to_owned())),
                (None, Some(charge)) => drop(charges.insert(charge.to_owned())),
                (None, None) => {}
            }
        }
        for charge in charges {
            customers.extend(self.payer(&charge).await?);
        }
        Ok(customers.into_iter().collect())
    }

    /// Whom an event is about that does not say: one about a dispute names only what was charged. `None` when it is about nobody.
    pub async fn customer_of(&self, body: &[u8]) -> Result<Option<String>, GatewayError> {
        let value = serde_json::from_slice(body).unwrap_or_default();
        let event = Object::new(&value);
        if let Some(customer) = webhook::customer_in(event) {
            return Ok(Some(customer.to_owned()));
        }
        match event.id("/data/object/charge") {
            Some(charge) => self.payer(charge).await,
            None => Ok(None),
        }
    }

    async fn payer(&self, charge: &str) -> Result<Option<String>, GatewayError> {
        match self.ask(RetrieveCharge::new(id(charge)?).build(), None).await.map_err(GatewayError::from) {
            Ok(charge) => Ok(Object::new(&charge).id("/customer").map(str::to_owned)),
            Err(GatewayError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
