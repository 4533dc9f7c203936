//! Lago, behind the ports of `billing-core`: [`LagoGateway`] asks it, [`LagoWebhook`] believes what it sends.
//!
//! Lago's official client brings a second HTTP client into the program (reqwest 0.12 beside 0.13), so its published wire is spoken here:
//! REST and JSON below `/api/v1`, with a bearer key.
//!
//! # How a call happens once
//!
//! Lago knows no `Idempotency-Key`. What it knows are names that we choose, so they are what makes a call happen once, together with a look
//! before each change:
//!
//! | | its name | called again |
//! | --- | --- | --- |
//! | customer | the organization's id | found, and left as it is |
//! | subscription | the customer's name and the number of the purchase: `org_…_1`, `org_…_2` | the same one, by Lago's own rule: one active subscription for a name |
//! | change of plan | the plan that is wanted | nothing is asked for where it is, or is agreed, already |
//! | cancellation | – | nothing is asked for where it has ended, or will, already |
//! | payment of an invoice | – | nothing is asked for where it is paid |
//!
//! So two tries, one of which nobody heard the answer of, end in the same.
//!
//! # Where Lago differs
//!
//! - A plan is not bought at a page of Lago's. [`checkout`](billing_core::PaymentGateway::checkout) makes the subscription, and opens the
//!   payment provider's page for its first invoice, or, while Lago has not made that, for a payment method, with which Lago then pays. Until
//!   the first invoice is paid the subscription is reported as incomplete, and gives nothing. Lago leads the browser back to its own
//!   success page: the addresses of a purchase are not used.
//! - A dearer plan takes effect at once, a cheaper one with the next period. The other two are refused.
//! - Lago counts by days, and by its own clock: a quote is compared with a fresh preview just before the change.
//! - The portal and previews belong to its premium licence: without it they are `Unsupported`.

mod change;
mod checkout;
mod client;
mod document;
mod gateway;
mod invoice;
mod jwt;
mod options;
mod snapshot;
mod standing;
mod touched;
mod webhook;
mod wire;

pub use self::{
    gateway::LagoGateway,
    jwt::LagoPublicKey,
    options::LagoOptions,
    webhook::{LagoHeaders, LagoWebhook},
};
