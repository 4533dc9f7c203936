//! The use cases over the doubles, and the doubles against their contracts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod avatars;
mod contracts;
mod fields;
mod profiles;
