//! Stripe, behind the ports of `billing-core`.
//!
//! Requests are made by async-stripe's generated types, which know every parameter of the API version that they were made from; they are
//! sent by a client of our own, with limits and retries as Stripe asks for them; and answers are read leniently, field by field: a newer
//! shape of an object must not stop anybody's payment.
//!
//! What is believed is what the API says when it is asked. [`webhook`] only proves who sent an event, and about whom it is.

mod api;
mod call;
mod gateway;
mod options;
mod read;
pub mod webhook;

pub use self::{
    gateway::StripeGateway,
    options::{BadOptions, StripeOptions},
};
