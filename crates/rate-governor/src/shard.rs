use std::collections::{HashMap, hash_map::Entry};

use kernel::{StoreError, Timestamp};
use usage_core::Rate;

use crate::{
    limiter::{Limiter, Said},
    state::{Hand, Tats},
};

/// How many buckets a shard remembers before it looks for full ones.
const FEW: usize = 1024;
/// How many it remembers at most, beside those that newcomers share then.
const MOST: usize = 65_536;
/// How many buckets newcomers share when that many are remembered.
const SHARED: u64 = 256;
/// Between two searches for full buckets, in nanoseconds.
const REST: u64 = 1_000_000_000;

/// A part of all buckets.
pub(crate) struct Shard {
    tats: Tats,
    hand: Hand,
    limiters: HashMap<Rate, Limiter>,
    clock: Steady,
    sweep_at: usize,
    sweep_after: u64,
}

impl Shard {
    /// No bucket yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            tats: Tats::default(),
            hand: Hand::default(),
            limiters: HashMap::new(),
            clock: Steady { shown: 0, read: now },
            sweep_at: FEW,
            sweep_after: 0,
        }
    }

    /// Takes `cost` from a bucket, if it fits.
    pub(crate) fn take(&mut self, rate: Rate, key: u64, cost: u32, now: Timestamp) -> Result<Said, StoreError> {
        let now = self.clock.tick(now);
        if self.tats.len() >= self.sweep_at && now >= self.sweep_after {
            self.sweep(now);
        }
        let key = self.bucket(key);
        self.ask(rate, now, |limiter| limiter.take(key, cost, now))
    }

    /// Looks at a bucket.
    pub(crate) fn peek(&mut self, rate: Rate, key: u64, now: Timestamp) -> Result<Said, StoreError> {
        let now = self.clock.tick(now);
        let key = self.bucket(key);
        self.ask(rate, now, |limiter| limiter.peek(key, now))
    }

    /// How many buckets are remembered.
    pub(crate) fn len(&self) -> usize {
        self.tats.len()
    }

    fn ask(&mut self, rate: Rate, now: u64, question: impl FnOnce(&Limiter) -> Said) -> Result<Said, StoreError> {
        let limiter = match self.limiters.entry(rate) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let made = Limiter::new(rate, &self.tats, &self.hand);
                place.insert(made.ok_or_else(|| StoreError::broken("a rate without an interval"))?)
            }
        };
        self.hand.set(now);
        Ok(question(limiter))
    }

    /// The bucket of its own, or where there is no room for more, one that strangers share.
    fn bucket(&self, key: u64) -> u64 {
        let crowded = self.tats.len() >= MOST && self.tats.get(key).is_none();
        if crowded { key % SHARED } else { key }
    }

    /// Forgets what can be made anew: full buckets, and the limiters of rates that may be in no plan any more.
    fn sweep(&mut self, now: u64) {
        self.tats.forget_full(now);
        self.limiters.clear();
        self.sweep_at = (self.tats.len() * 2).clamp(FEW, MOST);
        self.sweep_after = now.saturating_add(REST);
    }
}

/// Our clock, as one that never goes back: when ours is put back, this one goes on from where it is.
struct Steady {
    /// Nanoseconds since the shard was made.
    shown: u64,
    /// What our clock showed last.
    read: Timestamp,
}

impl Steady {
    fn tick(&mut self, now: Timestamp) -> u64 {
        let passed = (now - self.read).to_std().unwrap_or_default();
        self.shown = self.shown.saturating_add(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX));
        self.read = now;
        self.shown
    }
}
