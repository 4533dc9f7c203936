use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use kernel::{Ambient, StoreError, Timestamp};
use usage_core::{Bucket, Rate, RateLimiter, Taken};

use crate::{limiter::Said, shard::Shard};

/// Into how many parts the buckets are divided, each with its lock. A power of two.
const SHARDS: usize = 16;

/// Buckets for rate limits in this process. Cheap to clone; all clones are the same buckets.
#[derive(Clone)]
pub struct LocalBuckets {
    shards: Arc<[Mutex<Shard>]>,
    fingerprints: RandomState,
    ambient: Ambient,
}

impl LocalBuckets {
    /// All buckets are full.
    pub fn new(ambient: Ambient) -> Self {
        let now = ambient.now();
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(now))).collect();
        Self { shards, fingerprints: RandomState::new(), ambient }
    }

    /// How many buckets are remembered; the others are full.
    pub fn remembered(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn ask(
        &self,
        bucket: &Bucket,
        rate: Rate,
        question: impl FnOnce(&mut Shard, u64, Timestamp) -> Result<Said, StoreError>,
    ) -> Result<Taken, StoreError> {
        let key = self.fingerprints.hash_one(bucket);
        // The upper bits choose the part, the lower ones are what the part's own map is left with.
        let place = usize::try_from(key >> 60).unwrap_or_default() % SHARDS;
        let shard = self.shards.get(place).ok_or_else(|| StoreError::broken("a bucket without a place"))?;
        let mut shard = lock(shard);
        // Read under the lock, so that one question's time is never before the last one's.
        let now = self.ambient.now();
        let said = question(&mut shard, key, now)?;
        Ok(Taken {
            allowed: said.allowed,
            remaining: u32::try_from(said.remaining).map_err(StoreError::broken)?,
            full_at: after(now, said.full_in)?,
            retry_at: after(now, said.fits_in)?,
            rate,
        })
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn after(now: Timestamp, nanos: u64) -> Result<Timestamp, StoreError> {
    let time = chrono::TimeDelta::from_std(Duration::from_nanos(nanos)).map_err(StoreError::broken)?;
    now.checked_add_signed(time).ok_or_else(|| StoreError::broken("a bucket is full beyond the end of time"))
}

#[async_trait]
impl RateLimiter for LocalBuckets {
    async fn take(&self, bucket: &Bucket, rate: Rate, cost: u32) -> Result<Taken, StoreError> {
        self.ask(bucket, rate, |shard, key, now| shard.take(rate, key, cost, now))
    }

    async fn peek(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, StoreError> {
        self.ask(bucket, rate, |shard, key, now| shard.peek(rate, key, now))
    }
}
