#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken contract panics"
)]

pub(super) mod accounts;
pub(super) mod grants;
pub(super) mod inbox;
pub(super) mod invoices;
pub(super) mod outbox;
pub(super) mod races;
mod stage;
