//! The doubles keep the contracts that they are there to stand in for, and agree with a second opinion over random steps.

use kernel::testing::manual_ambient;
use proptest::prelude::*;
use usage_core::testing::{
    LedgerStep, MemoryLimiter, MemoryUsage, bookkeeping_contract, ledger_contract, ledger_machine, ledger_race,
    rate_limiter_contract, rate_limiter_race, usage_reader_contract,
};

use crate::world::stores;

#[tokio::test]
async fn ledger() {
    let (memory, (_, ambient)) = (MemoryUsage::new(), manual_ambient(1));
    ledger_contract(stores(&memory, &ambient)).await;
    ledger_race(stores(&memory, &ambient)).await;
}

#[tokio::test]
async fn reader() {
    let (memory, (_, ambient)) = (MemoryUsage::new(), manual_ambient(2));
    usage_reader_contract(stores(&memory, &ambient)).await;
}

#[tokio::test]
async fn books() {
    let (memory, (_, ambient)) = (MemoryUsage::new(), manual_ambient(3));
    bookkeeping_contract(stores(&memory, &ambient)).await;
}

#[tokio::test]
async fn limiter() {
    let (clock, ambient) = manual_ambient(4);
    let limiter = MemoryLimiter::new(ambient.clone());
    rate_limiter_contract(&limiter, clock.as_ref(), &ambient).await;
    rate_limiter_race(&limiter, &ambient).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_double_agrees_with_a_second_opinion(
        seed in any::<u64>(),
        steps in prop::collection::vec(any::<(u8, u8, u16)>().prop_map(LedgerStep::from), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (memory, (_, ambient)) = (MemoryUsage::new(), manual_ambient(seed));
            ledger_machine(stores(&memory, &ambient), &steps).await;
        });
    }
}
