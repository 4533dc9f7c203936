//! The adapters on real databases: every port's contract, what a refused record leaves behind, races between two processes,
//! strange databases, and a model of members.
//!
//! Every test runs on SQLite, and on PostgreSQL when `OPS_CENTER_TEST_POSTGRES` names a server (`postgres://postgres@host:port/postgres`).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod api_keys;
mod billing;
mod billing_race;
mod byok;
mod byok_handing;
mod byok_rotation;
mod byok_swap;
mod cache;
mod contract;
mod fixture;
mod member;
mod model;
mod outage;
mod plan;
mod plan_race;
mod population;
mod proxy;
mod race;
mod race_auth;
mod refusal;
mod schema;
mod upkeep;
mod usage;
mod usage_held;
mod usage_machine;
mod usage_race;
