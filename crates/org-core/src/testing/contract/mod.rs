#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken contract panics"
)]

pub(super) mod answers;
mod callers;
pub(super) mod invitations;
pub(super) mod members;
pub(super) mod orgs;
pub(super) mod races;
mod settings;
mod stage;
