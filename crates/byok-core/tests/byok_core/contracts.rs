//! The double keeps the contracts that it is there to stand in for.

use byok_core::testing::{
    ByokStores, MemoryKeys, custody_store_contract, custody_store_race, key_store_contract, key_store_race,
};
use kernel::Ambient;
use kernel::testing::manual_ambient;

fn stores<'a>(keys: &'a MemoryKeys, ambient: &'a Ambient) -> ByokStores<'a> {
    ByokStores { keys, custody: keys, world: keys, ambient }
}

#[tokio::test]
async fn keys() {
    let ((_, ambient), memory) = (manual_ambient(1), MemoryKeys::new());
    key_store_contract(stores(&memory, &ambient)).await;
    key_store_race(stores(&memory, &ambient)).await;
}

#[tokio::test]
async fn custody() {
    let ((_, ambient), memory) = (manual_ambient(2), MemoryKeys::new());
    custody_store_contract(stores(&memory, &ambient)).await;
    custody_store_race(stores(&memory, &ambient)).await;
}
