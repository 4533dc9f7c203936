//! Doubles of the ports, and the contract tests that every adapter runs. Feature `testing`.
//!
//! [`MemoryKeys`] is both stores in memory; [`MemoryRing`], [`MemoryProbe`], [`MemoryEntitlement`] and [`MemoryNotices`] are the other
//! ports, and [`sample_providers`] something to fill a catalogue with. An adapter proves itself by calling the contract functions from
//! its own tests, with [`ByokStores`] over a database of its own; a function panics where a promise of a port is broken. A `_race`
//! function lets 32 attempts collide.

mod contract;
mod memory;
mod population;
mod world;

pub use self::{
    contract::{
        custody::custody_store_contract,
        keys::key_store_contract,
        races::{custody_store_race, key_store_race},
    },
    memory::{MemoryEntitlement, MemoryKeys, MemoryNotices, MemoryProbe, MemoryRing, Probed},
    population::{sample_providers, sample_ring},
    world::{ByokStores, World},
};
