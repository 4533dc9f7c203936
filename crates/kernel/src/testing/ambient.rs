use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use crate::{Ambient, Clock, Rng, Timestamp};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows this time.
    pub const fn at(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Shows another time, earlier ones included.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX));
    }

    /// Moves the clock back, as a time server may.
    pub fn step_back(&self, by: Duration) {
        self.set(self.now() - TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX));
    }
}

impl Default for ManualClock {
    /// The first moment of 2030, UTC.
    fn default() -> Self {
        Self::at(Timestamp::from_timestamp(1_893_456_000, 0).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Randomness that is the same in every run with the same seed (`SplitMix64`). Not fit for secrets: for tests only.
#[derive(Debug)]
pub struct SeededRng(AtomicU64);

impl SeededRng {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The sequence of this seed, from its beginning.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let state = self.0.fetch_add(Self::STEP, Ordering::Relaxed).wrapping_add(Self::STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *to = from;
            }
        }
    }
}

/// Surroundings that repeat: a [`ManualClock`] to move, and an [`Ambient`] of it and of [`SeededRng`].
pub fn manual_ambient(seed: u64) -> (Arc<ManualClock>, Ambient) {
    let clock = Arc::new(ManualClock::default());
    (clock.clone(), Ambient::new(clock, Arc::new(SeededRng::new(seed))))
}
