//! Doubles of the ports, and the contract tests that every adapter runs. Feature `testing`.
//!
//! [`MemoryUsage`] is the ledger with its reader and its books in memory, [`MemoryLimiter`] a rate limiter. An adapter proves itself
//! by calling the contract functions from its own tests, with [`UsageStores`] over a database of its own; a function panics where a
//! promise of a port is broken. A `_race` function lets attempts collide, and [`ledger_machine`] takes random steps:
//!
//! ```
//! # use kernel::testing::manual_ambient;
//! # use usage_core::testing::{LedgerStep, MemoryUsage, UsageStores, ledger_machine};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (usage, (_, ambient)) = (MemoryUsage::new(), manual_ambient(1));
//! let stores = UsageStores { ledger: &usage, reader: &usage, books: &usage, world: &usage, ambient: &ambient };
//! // Numbers from proptest: `prop::collection::vec(any::<(u8, u8, u16)>().prop_map(LedgerStep::from), 1..40)`.
//! let steps: Vec<_> = [(0, 3, 0), (7, 0, 9), (10, 0, 2)].map(LedgerStep::from).into();
//! ledger_machine(stores, &steps).await;
//! # }
//! ```

mod contract;
mod machine;
mod memory;
mod world;

pub use self::{
    contract::{
        books::bookkeeping_contract,
        ledger::ledger_contract,
        races::ledger_race,
        rates::{rate_limiter_contract, rate_limiter_race},
        reader::usage_reader_contract,
    },
    machine::{Call, LedgerStep, ledger_machine},
    memory::{MemoryLimiter, MemoryUsage},
    world::{Passing, UsageStores, World},
};
