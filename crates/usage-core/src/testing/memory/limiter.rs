use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::testing::MemoryTrail;
use kernel::{Ambient, StoreError, Timestamp};

use crate::{Bucket, Rate, RateLimiter, Taken};

/// [`RateLimiter`] in memory: the generic cell rate algorithm (ITU-T I.371), by the clock that it is given.
pub struct MemoryLimiter {
    ambient: Ambient,
    /// When each bucket will be full again, in microseconds of Unix time.
    full: Mutex<HashMap<Bucket, i64>>,
    asked: AtomicU64,
    trail: MemoryTrail,
}

impl MemoryLimiter {
    /// Full buckets.
    pub fn new(ambient: Ambient) -> Self {
        Self { ambient, full: Mutex::default(), asked: AtomicU64::new(0), trail: MemoryTrail::default() }
    }

    /// From now on every method fails.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }

    /// How often it was asked, failures included.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    fn ask(&self, bucket: &Bucket, rate: Rate, cost: u32, takes: bool) -> Result<Taken, StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.trail.up()?;
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.ambient.now().timestamp_micros();
        let micros = |requests: u32| {
            i64::try_from(rate.interval_micros().saturating_mul(u64::from(requests))).unwrap_or(i64::MAX)
        };
        let before = full.get(bucket).copied().unwrap_or(now).max(now);
        let after = before.saturating_add(micros(cost));
        let fits_at = after.saturating_sub(micros(rate.quota.get()));
        let allowed = fits_at <= now;
        let level = if allowed && takes { after } else { before };
        if allowed && takes {
            full.insert(bucket.clone(), level);
        }
        let free = micros(rate.quota.get()).saturating_sub(level - now).max(0) / micros(1);
        Ok(Taken {
            allowed,
            remaining: u32::try_from(free).unwrap_or(u32::MAX),
            full_at: at(level),
            retry_at: at(fits_at.max(now)),
            rate,
        })
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::microseconds(micros)
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn take(&self, bucket: &Bucket, rate: Rate, cost: u32) -> Result<Taken, StoreError> {
        self.ask(bucket, rate, cost, true)
    }

    async fn peek(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, StoreError> {
        self.ask(bucket, rate, 1, false)
    }
}
