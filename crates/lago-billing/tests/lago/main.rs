//! Every method of the gateway, against a Lago that keeps what it is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod change;
mod customer;
mod document;
mod purchase;
mod reading;
mod trouble;
mod world;
