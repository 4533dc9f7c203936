//! Rate limits in the process, by `governor`'s generic cell rate algorithm: [`LocalBuckets`] is the [`usage_core::RateLimiter`] of a
//! platform with one process, and what [`WithFallback`] falls back to where the processes share their buckets elsewhere.
//!
//! **Our clock decides** ([`kernel::Ambient`]); when it is put back, buckets neither fill nor wait for it to catch up.
//!
//! **Memory is bounded.** A bucket that is full again is forgotten when the map grows. At most a million are remembered, in at most
//! 64 MiB; whoever comes then shares a bucket with other newcomers: limited too early, never not at all. A bucket is known by a 64-bit
//! fingerprint under a key of the process, so two of a million share one with a probability of 3 in 100 million.
//!
//! **An outage is limited, not open.** While the shared buckets do not answer, each process counts by itself, at the limit divided by
//! the number of processes; where nothing is shared it always does ([`Divided`]). Nobody waits longer than [`WithFallback::PATIENCE`], and a dead server is asked once a second.
mod breaker;
mod buckets;
mod fallback;
mod limiter;
mod shard;
mod state;

pub use self::{
    buckets::LocalBuckets,
    fallback::{Divided, WithFallback},
};
