//! The double keeps the contracts that it is there to stand in for.

use kernel::Ambient;
use kernel::testing::manual_ambient;
use plan_core::testing::{
    MemoryPlans, PlanStores, catalogue_store_contract, catalogue_store_race, subscription_store_contract,
    subscription_store_race,
};

fn stores<'a>(plans: &'a MemoryPlans, ambient: &'a Ambient) -> PlanStores<'a> {
    PlanStores { catalogue: plans, subscriptions: plans, population: plans, ambient }
}

#[tokio::test]
async fn catalogue() {
    let ((_, ambient), memory) = (manual_ambient(1), MemoryPlans::new());
    catalogue_store_contract(stores(&memory, &ambient)).await;
    let memory = MemoryPlans::new();
    catalogue_store_race(stores(&memory, &ambient)).await;
}

#[tokio::test]
async fn subscriptions() {
    let ((_, ambient), memory) = (manual_ambient(2), MemoryPlans::new());
    subscription_store_contract(stores(&memory, &ambient)).await;
    subscription_store_race(stores(&memory, &ambient)).await;
}
