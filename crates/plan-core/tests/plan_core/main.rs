//! The use cases over the double, and the double against its contracts.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod access;
mod contracts;
mod decision;
mod effective;
mod fields;
mod grants;
mod plans;
mod world;
