use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Ambient, StoreError, Timestamp};
use redis::Script;
use usage_core::{Bucket, Rate, RateLimiter, Taken};

use crate::{connection::Connection, script::take, sessions::RedisSessions};

/// Buckets for rate limits in Redis, one for all processes. Cheap to clone; they share the connection of the sessions.
#[derive(Clone)]
pub struct RedisBuckets {
    connection: Connection,
    take: Arc<Script>,
    ambient: Ambient,
}

/// What the script says: whether it fits, how many more would, µs until the bucket is full, µs until it fits.
type Said = (bool, u64, i64, i64);

impl RedisBuckets {
    /// Buckets beside these sessions. Redis counts by its own time; the answers are in the time of `ambient`.
    pub fn beside(sessions: &RedisSessions, ambient: Ambient) -> Self {
        Self { connection: sessions.connection().clone(), take: Arc::new(take()), ambient }
    }

    async fn ask(&self, bucket: &Bucket, rate: Rate, cost: u32, keep: bool) -> Result<Taken, StoreError> {
        let mut call = self.take.key(format!("ops:rl:{{{}}}:{}", bucket.key, bucket.policy));
        // Beyond the quota every cost is the same: it never fits.
        let cost = cost.min(rate.quota.get().saturating_add(1));
        call.arg(rate.interval_micros()).arg(rate.quota.get()).arg(cost).arg(u8::from(keep));
        let said: Said = self.connection.call(async |mut redis| call.invoke_async(&mut redis).await).await?;
        let (allowed, remaining, full, wait) = said;
        let now = self.ambient.now();
        Ok(Taken {
            allowed,
            remaining: u32::try_from(remaining).map_err(StoreError::broken)?,
            full_at: after(now, full)?,
            retry_at: after(now, wait)?,
            rate,
        })
    }
}

fn after(now: Timestamp, micros: i64) -> Result<Timestamp, StoreError> {
    let then = now.checked_add_signed(TimeDelta::microseconds(micros));
    then.ok_or_else(|| StoreError::broken("a bucket is full beyond the end of time"))
}

#[async_trait]
impl RateLimiter for RedisBuckets {
    async fn take(&self, bucket: &Bucket, rate: Rate, cost: u32) -> Result<Taken, StoreError> {
        self.ask(bucket, rate, cost, true).await
    }

    async fn peek(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, StoreError> {
        self.ask(bucket, rate, 1, false).await
    }
}
