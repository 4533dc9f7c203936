#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken contract panics"
)]

pub(super) mod books;
mod events;
pub(super) mod ledger;
mod periods;
pub(super) mod races;
pub(super) mod rates;
pub(super) mod reader;
mod reservations;
mod resets;
mod stage;
