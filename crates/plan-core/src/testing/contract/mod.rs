#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken contract panics"
)]

pub(super) mod catalogue;
pub(super) mod races;
mod stage;
pub(super) mod subscriptions;
