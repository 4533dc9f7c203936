//! The client: one call to Stripe, within its limits, tried again where that may help.

mod client;
mod failure;
mod files;
mod pace;

pub(crate) use self::{client::Api, failure::Failure};
