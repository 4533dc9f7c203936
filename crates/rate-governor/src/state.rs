use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use governor::{clock::Clock, nanos::Nanos, state::StateStore};

/// The time that governor reads, in nanoseconds. It is set by hand before each question, so that the decision and what is told of it
/// are of one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.load(Ordering::Relaxed).into()
    }
}

/// The theoretical arrival time of each bucket, 16 bytes a bucket: the moment at which it is full again. Unlike governor's own map it
/// can be looked at, is shared by all rates, and what is refused leaves nothing in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tats(Arc<Mutex<HashMap<u64, u64>>>);

impl Tats {
    /// When a bucket is full; `None` for one that is not remembered, because it is.
    pub(crate) fn get(&self, key: u64) -> Option<u64> {
        self.lock().get(&key).copied()
    }

    /// Brings the moment forward to `most`, if it is later.
    pub(crate) fn cap(&self, key: u64, most: u64) {
        if let Some(tat) = self.lock().get_mut(&key) {
            *tat = most.min(*tat);
        }
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Forgets the buckets that are full, and gives back memory when it is worth it: a map that shrinks must grow again.
    pub(crate) fn forget_full(&self, now: u64) {
        let mut tats = self.lock();
        tats.retain(|_, tat| *tat > now);
        if tats.capacity() / 4 > tats.len() {
            tats.shrink_to_fit();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Tats {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut tats = self.lock();
        let (outcome, tat) = decide(tats.get(key).copied().map(Nanos::from))?;
        tats.insert(*key, tat.into());
        Ok(outcome)
    }
}
