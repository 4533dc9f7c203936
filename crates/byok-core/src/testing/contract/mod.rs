#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken contract panics")]

mod callers;
pub(super) mod custody;
mod due;
pub(super) mod keys;
pub(super) mod races;
mod stage;
