use std::{future::Future, num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::StoreError;
use usage_core::{Bucket, Rate, RateLimiter, Taken};

use crate::{LocalBuckets, breaker::Breaker};

/// Shared buckets, and this process's own while those do not answer.
///
/// What the shared buckets admit is taken from the local ones too, so an outage does not begin with a second burst, and all in all
/// (the shared buckets may come back empty-handed, that is, full) nobody gets more than twice their burst out of one.
pub struct WithFallback {
    primary: Arc<dyn RateLimiter>,
    local: LocalBuckets,
    instances: NonZeroU32,
    breaker: Breaker,
}

impl WithFallback {
    /// How long the shared buckets may take to answer.
    pub const PATIENCE: Duration = Duration::from_millis(40);

    /// These shared buckets, used by so many processes like this one.
    pub fn new(primary: Arc<dyn RateLimiter>, local: LocalBuckets, instances: NonZeroU32) -> Self {
        Self { primary, local, instances, breaker: Breaker::default() }
    }

    /// What the shared buckets say; `None` when they do not.
    async fn ask(&self, question: impl Future<Output = Result<Taken, StoreError>>) -> Option<Taken> {
        if !self.breaker.may_pass() {
            return None;
        }
        let failure = match tokio::time::timeout(Self::PATIENCE, question).await {
            Ok(Ok(taken)) => {
                if self.breaker.answered() {
                    tracing::info!("the shared rate limits answer again");
                }
                return Some(taken);
            }
            Ok(Err(error)) => error,
            Err(elapsed) => StoreError::unavailable(elapsed),
        };
        if self.breaker.failed() {
            let cause = std::error::Error::source(&failure).map(ToString::to_string);
            tracing::error!(error = %failure, cause, "rate limits are counted by each process alone");
        }
        None
    }
}

/// One process's part of a rate, of so many.
fn share(rate: Rate, instances: NonZeroU32) -> Rate {
    match NonZeroU32::new(rate.quota.get() / instances.get()) {
        Some(quota) => Rate { quota, ..rate },
        // Less than one for each process: one in a longer window.
        None => Rate { quota: NonZeroU32::MIN, window: rate.window.saturating_mul(instances.get()) / rate.quota.get() },
    }
}

/// This process's own buckets where nothing is shared: each of so many processes gives its part of a rate.
pub struct Divided {
    local: LocalBuckets,
    instances: NonZeroU32,
}

impl Divided {
    /// These buckets, of so many processes like this one.
    pub const fn new(local: LocalBuckets, instances: NonZeroU32) -> Self {
        Self { local, instances }
    }
}

#[async_trait]
impl RateLimiter for Divided {
    async fn take(&self, bucket: &Bucket, rate: Rate, cost: u32) -> Result<Taken, StoreError> {
        self.local.take(bucket, share(rate, self.instances), cost).await
    }

    async fn peek(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, StoreError> {
        self.local.peek(bucket, share(rate, self.instances)).await
    }
}

#[async_trait]
impl RateLimiter for WithFallback {
    async fn take(&self, bucket: &Bucket, rate: Rate, cost: u32) -> Result<Taken, StoreError> {
        let share = share(rate, self.instances);
        match self.ask(self.primary.take(bucket, rate, cost)).await {
            Some(taken) => {
                if taken.allowed {
                    self.local.take(bucket, share, cost).await?;
                }
                Ok(taken)
            }
            None => self.local.take(bucket, share, cost).await,
        }
    }

    async fn peek(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, StoreError> {
        match self.ask(self.primary.peek(bucket, rate)).await {
            Some(taken) => Ok(taken),
            None => self.local.peek(bucket, share(rate, self.instances)).await,
        }
    }
}
