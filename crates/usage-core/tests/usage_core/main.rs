//! The use cases over the doubles, and the doubles against their contracts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod books;
mod contracts;
mod faults;
mod fields;
mod metering;
mod policy;
mod reservations;
mod usage;
mod world;
