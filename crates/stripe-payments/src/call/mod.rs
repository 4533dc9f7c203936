//! What the ports ask for, as calls to Stripe.

mod change;
mod checkout;
mod customer;
mod event;
mod invoice;
mod method;
mod schedule;
mod snapshot;
