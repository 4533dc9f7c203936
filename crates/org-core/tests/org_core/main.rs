//! The use cases over the double, and the double against its contracts.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod contracts;
mod fields;
mod invitations;
mod orgs;
mod ownership;
mod reach;
mod sequences;
mod world;
