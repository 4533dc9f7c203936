//! Doubles of the ports, and the contract tests that every adapter runs. Feature `testing`.
//!
//! [`MemoryPlans`] is every port of this crate in memory, and [`sample_catalogue`] something to fill it with. An adapter proves itself
//! by calling the contract functions from its own tests, with [`PlanStores`] over a database of its own in which there is no plan
//! yet; a function panics where a promise of a port is broken. A `_race` function lets attempts collide.

mod contract;
mod memory;
mod population;
mod sample;

pub use self::{
    contract::{
        catalogue::catalogue_store_contract,
        races::{catalogue_store_race, subscription_store_race},
        subscriptions::subscription_store_contract,
    },
    memory::MemoryPlans,
    population::{PlanStores, Population},
    sample::sample_catalogue,
};
