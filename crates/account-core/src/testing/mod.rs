//! Doubles of the ports, and the contract tests that every adapter runs. Feature `testing`.
//!
//! [`MemoryProfiles`] and [`MemoryBlobs`] are the stores of this crate in memory, [`StampRenderer`] a renderer that draws nothing.

mod contract;
mod memory;

use async_trait::async_trait;
use kernel::UserId;
use kernel::testing::KeptRecords;

pub use self::{
    contract::{
        blobs::{blob_store_contract, blob_store_race},
        profiles::{profile_store_contract, profile_store_race},
    },
    memory::{MemoryBlobs, MemoryProfiles, StampRenderer},
};

/// What a contract needs of the world around the ports of this crate. An adapter's test answers it with its own account store, and
/// [`KeptRecords`] with a look into its audit table.
#[async_trait]
pub trait Population: KeptRecords {
    /// Makes an account.
    async fn user(&self) -> UserId;
}
