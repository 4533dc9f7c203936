//! The use cases over the doubles, and the doubles against their contracts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api_keys;
mod contracts;
mod guessing;
mod passwords;
mod policy;
mod sessions;
mod sign_in;
mod users;
mod world;
