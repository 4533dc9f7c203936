//! The use cases over the doubles, the doubles against their contracts, and the bytes of a sealed secret.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod contracts;
mod custody;
mod endpoint;
mod keys;
mod meddler;
mod opening;
mod resolve;
mod ring;
mod rotation;
mod seal;
mod secret;
mod status;
mod trial;
mod watch;
mod world;
