//! What tests of every feature share: a clock that is set by hand, randomness that repeats, a trail in memory with two ways to fail,
//! and the contract of [`Idempotency`](crate::Idempotency). Feature `testing`; nothing here belongs into a running server.

mod ambient;
mod idempotency;
mod trail;

pub use self::{
    ambient::{ManualClock, SeededRng, manual_ambient},
    idempotency::{MemoryIdempotency, idempotency_contract, idempotency_race},
    trail::{KeptRecords, MemoryTrail, race},
};
