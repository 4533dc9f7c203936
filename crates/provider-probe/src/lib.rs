//! Tests customers' provider keys: with the request that the provider's entry in the catalogue names, through a client that customers
//! cannot point at the inside of the network ([`guard`]).
//!
//! [`GuardedProbe`] is `byok_core`'s [`KeyProbe`](byok_core::KeyProbe). It says that a key is valid only when the provider's answer
//! proves it: a server that the customer named and that answers everybody has proved nothing.

pub mod guard;
mod options;
mod probe;
mod request;
mod verdict;

pub use self::{options::ProbeOptions, probe::GuardedProbe};
