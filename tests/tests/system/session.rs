//! Sessions: what a token is, when it changes, how long it lives, how it ends (SES-1, SES-3 to SES-6, S6 to S8, X6).

mod lifetime;
mod list;
mod log;
mod outage;
mod renewal;
mod restart;
mod revocation;
mod token;
