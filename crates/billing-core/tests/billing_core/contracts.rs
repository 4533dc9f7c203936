//! The double keeps the contracts that it is there to stand in for.
use billing_core::testing::{self, BillingStores, MemoryBilling};
use kernel::testing::manual_ambient;

/// Runs a contract on a double of its own.
async fn on_memory(contract: impl AsyncFn(BillingStores<'_>)) {
    let ((_, ambient), memory) = (manual_ambient(1), MemoryBilling::new());
    let stores = BillingStores {
        billing: &memory,
        invoices: &memory,
        inbox: &memory,
        outbox: &memory,
        world: &memory,
        ambient: &ambient,
    };
    contract(stores).await;
}

#[tokio::test]
async fn accounts() {
    on_memory(async |stores| {
        testing::billing_store_contract(stores).await;
        testing::billing_store_race(stores).await;
    })
    .await;
}

#[tokio::test]
async fn grants() {
    on_memory(async |stores| testing::grant_contract(stores).await).await;
}

#[tokio::test]
async fn invoices() {
    on_memory(async |stores| testing::invoice_store_contract(stores).await).await;
}

#[tokio::test]
async fn inbox() {
    on_memory(async |stores| {
        testing::inbox_contract(stores).await;
        testing::inbox_race(stores).await;
    })
    .await;
}

#[tokio::test]
async fn outbox() {
    on_memory(async |stores| {
        testing::outbox_contract(stores).await;
        testing::outbox_race(stores).await;
    })
    .await;
}
