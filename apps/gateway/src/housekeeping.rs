use std::time::Duration;

use kernel::{Ambient, StoreError};
use store::{SeaIdempotency, SeaLinks, SeaSessions, SeaThrottle};

/// How often.
const EVERY: Duration = Duration::from_mins(10);

/// Throws away what has expired. Nothing depends on it but the size of the database: what has expired is not served anyway.
pub(crate) struct Housekeeping {
    pub(crate) sessions: SeaSessions,
    pub(crate) links: SeaLinks,
    pub(crate) throttle: SeaThrottle,
    pub(crate) idempotency: SeaIdempotency,
    pub(crate) ambient: Ambient,
}

impl Housekeeping {
    /// Cleans up now and then, until it is dropped.
    pub(crate) async fn run(self) {
        let mut turns = tokio::time::interval(EVERY);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            match self.purge().await {
                Ok(rows) => tracing::debug!(rows, "expired rows are gone"),
                Err(error) => tracing::warn!(error = %error, "expired rows could not be removed; trying again later"),
            }
        }
    }

    async fn purge(&self) -> Result<u64, StoreError> {
        let now = self.ambient.now();
        let sessions = self.sessions.purge(now).await?;
        let links = self.links.purge(now).await?;
        let attempts = self.throttle.purge(now).await?;
        Ok(sessions + links + attempts + self.idempotency.purge(now).await?)
    }
}
