//! Doubles of the ports, and the contract tests that every adapter runs. Feature `testing`.
//!
//! [`MemoryBilling`] is all four stores in memory, [`MemoryProvider`] a payment provider. An adapter proves itself by calling the contract functions from its own tests, with
//! [`BillingStores`] over a database of its own; a function panics where a promise of a port is broken. A `_race` function lets 32
//! attempts collide.

mod contract;
mod memory;
mod provider;
mod world;

pub use self::{
    contract::{
        accounts::billing_store_contract,
        grants::grant_contract,
        inbox::inbox_contract,
        invoices::invoice_store_contract,
        outbox::outbox_contract,
        races::{billing_store_race, inbox_race, outbox_race},
    },
    memory::MemoryBilling,
    provider::{MemoryNotices, MemoryPlatform, MemoryProvider, PlainPrinter},
    world::{BillingStores, Entitled, Giver, World},
};
