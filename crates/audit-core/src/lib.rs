//! The audit trail: reading what the features' changes left behind. A record is written in the transaction of its change, by the
//! adapter of the feature that changed; this crate says how a trail is read. Sequence numbers, the hash tree and its checkpoints
//! stand on the same records.
mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::AuditError,
    model::{Entry, TrailFilter},
    ports::TrailStore,
    service::Trail,
};
