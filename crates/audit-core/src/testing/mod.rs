//! A double of the port, and the contract test that every adapter runs. Feature `testing`.

mod contract;
mod memory;

use async_trait::async_trait;
use kernel::Record;

pub use self::{contract::trail_store_contract, memory::MemoryAudit};

/// Writes a record as the adapters of the features do: what a [`TrailStore`](crate::TrailStore) reads.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Keeps a record that accompanies no other change.
    async fn keep(&self, record: &Record);
}
