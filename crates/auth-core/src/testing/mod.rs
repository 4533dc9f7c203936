//! Doubles of the ports, and the contract tests that every adapter runs. Feature `testing`.
//!
//! [`MemoryAuth`] is every store of this crate in memory, [`PlainHasher`] a hasher that costs nothing. An adapter proves itself by
//! calling the contract functions of its ports from its own tests, each with a store of its own; a function panics where a promise
//! of the port is broken. A `_race` function lets 32 attempts collide.

mod contract;
mod memory;
mod population;

pub use self::{
    contract::{
        api_keys::{api_key_store_contract, api_key_store_race},
        hasher::password_hasher_contract,
        links::{link_store_contract, link_store_race},
        sessions::{session_store_contract, session_store_race},
        standings::standings_contract,
        throttle::{throttle_contract, throttle_race},
        users::{user_store_contract, user_store_race, user_store_starts_empty},
    },
    memory::{MemoryAuth, hasher::PlainHasher},
    population::{Population, SessionOwners, invented_user},
};
