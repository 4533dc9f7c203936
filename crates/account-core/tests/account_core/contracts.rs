//! The doubles keep the contracts that they are there to stand in for.

use account_core::testing::{
    MemoryBlobs, MemoryProfiles, blob_store_contract, blob_store_race, profile_store_contract, profile_store_race,
};
use kernel::testing::manual_ambient;

#[tokio::test]
async fn profiles() {
    let (store, (_, ambient)) = (MemoryProfiles::new(), manual_ambient(1));
    profile_store_contract(&store, &store, &ambient).await;
    profile_store_race(&store, &store, &ambient).await;
}

#[tokio::test]
async fn blobs() {
    let (store, (_, ambient)) = (MemoryBlobs::new(), manual_ambient(2));
    blob_store_contract(&store, &ambient).await;
    blob_store_race(&store, &ambient).await;
}
