#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken contract panics"
)]

pub(super) mod blobs;
pub(super) mod profiles;
