use std::time::Duration;

use byok_core::{ByokError, Watch};
use chrono::TimeDelta;
use kernel::{Ambient, StoreError};
use store::{SeaIdempotency, SeaInbox, SeaLinks, SeaSessions, SeaThrottle};
use tokio::time::{Interval, MissedTickBehavior};
use usage_core::{Metering, UsageError};

/// How often.
const EVERY: Duration = Duration::from_mins(10);
/// How often quantity is given back whose reservation ran out. Decisions do not count it even before.
const EVERY_LEASE: Duration = Duration::from_secs(5);

/// How often somebody looks for customers' keys whose time to be tested has come.
const EVERY_WATCH: Duration = Duration::from_mins(1);

/// How long events of payment providers are kept that are over: longer than providers send one again, by far.
const KEEP_EVENTS: TimeDelta = TimeDelta::days(90);

/// Throws away what has expired. Nothing depends on it but the size of the database: what has expired is not served anyway.
pub(crate) struct Housekeeping {
    pub(crate) sessions: SeaSessions,
    pub(crate) links: SeaLinks,
    pub(crate) throttle: SeaThrottle,
    pub(crate) idempotency: SeaIdempotency,
    pub(crate) inbox: SeaInbox,
    pub(crate) metering: Metering,
    /// Tests customers' keys, if that is to be done without being asked.
    pub(crate) watch: Option<Watch>,
    pub(crate) ambient: Ambient,
}

impl Housekeeping {
    /// Cleans up now and then, until it is dropped.
    pub(crate) async fn run(self) {
        tokio::join!(self.purge_now_and_then(), self.release_now_and_then(), self.test_now_and_then());
    }

    async fn purge_now_and_then(&self) {
        let mut turns = unhurried(EVERY);
        loop {
            turns.tick().await;
            match self.purge().await {
                Ok(rows) => tracing::debug!(rows, "expired rows are gone"),
                Err(error) => tracing::warn!(error = %error, "expired rows could not be removed; trying again later"),
            }
        }
    }

    async fn release_now_and_then(&self) {
        let mut turns = unhurried(EVERY_LEASE);
        loop {
            turns.tick().await;
            if let Err(error) = self.release().await {
                tracing::warn!(error = %error, "expired reservations could not be released; trying again soon");
            }
        }
    }

    async fn test_now_and_then(&self) {
        let Some(watch) = &self.watch else { return };
        let mut turns = unhurried(EVERY_WATCH);
        loop {
            turns.tick().await;
            match test(watch).await {
                Ok(keys) => tracing::debug!(keys, "provider keys were tested"),
                Err(error) => tracing::warn!(error = %error, "provider keys could not be tested; trying again soon"),
            }
        }
    }

    /// Step by step, until a step has found less than it could have taken.
    async fn release(&self) -> Result<(), UsageError> {
        while self.metering.expire().await? >= u64::from(Metering::EXPIRE_STEP) {}
        Ok(())
    }

    async fn purge(&self) -> Result<u64, StoreError> {
        let now = self.ambient.now();
        let sessions = self.sessions.purge(now).await?;
        let links = self.links.purge(now).await?;
        let attempts = self.throttle.purge(now).await?;
        let events = self.inbox.purge(now - KEEP_EVENTS).await?;
        Ok(sessions + links + attempts + events + self.idempotency.purge(now).await?)
    }
}

/// Round by round, until one has found less than it could have tested.
async fn test(watch: &Watch) -> Result<u64, ByokError> {
    let mut tested = 0;
    loop {
        let round = watch.round().await?;
        tested += round.tested;
        if round.unusable > 0 {
            let (keys, action) = (round.unusable, "byok.key.tested");
            tracing::warn!(keys, action, "provider keys cannot be used; the trail has each as a failure");
        }
        if round.claimed < u64::from(Watch::ROUND) {
            return Ok(tested);
        }
    }
}

fn unhurried(every: Duration) -> Interval {
    let mut turns = tokio::time::interval(every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns
}
