//! Stripe behind our ports: every method against a Stripe with a memory (testkit), and every request against Stripe's own description of
//! its API (stripe-mock).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod change;
mod checkout;
mod customer;
mod delivery;
mod event;
mod invoice;
mod method;
mod mock;
mod retry;
mod signature;
mod snapshot;
mod world;
