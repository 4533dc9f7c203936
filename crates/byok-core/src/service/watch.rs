use std::sync::Arc;

use chrono::TimeDelta;
use kernel::Actor;

use crate::{Byok, ByokError, KeyNotice, ProviderKey, Verdict};

/// Tests keys by itself, and tells the owners of one that its provider has begun to refuse.
#[derive(Clone)]
pub struct Watch {
    keys: Byok,
    notice: Arc<dyn KeyNotice>,
    every: TimeDelta,
}

impl Watch {
    /// How many keys one round tests at most.
    pub const ROUND: u32 = 50;

    /// Tests each key again when its last test is this long ago.
    pub fn new(keys: Byok, notice: Arc<dyn KeyNotice>, every: TimeDelta) -> Self {
        Self { keys, notice, every }
    }

    /// Tests up to [`Watch::ROUND`] keys whose time has come, one after another; how many. A key that cannot be tested hinders no other.
    pub async fn round(&self) -> Result<u64, ByokError> {
        let now = self.keys.ambient.now();
        // A key's turn is over when it was claimed, tested or not: those that cannot be tested do not crowd the others out.
        let (before, until) = (now - self.every, now + self.every);
        let due = self.keys.ports.keys.claim_untested(before, now, until, Self::ROUND).await?;
        let mut tested = 0;
        for key in due {
            match self.one(&key).await {
                Ok(()) => tested += 1,
                // A database that is away is away for all of them.
                Err(ByokError::Store(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(tested)
    }

    async fn one(&self, key: &ProviderKey) -> Result<(), ByokError> {
        self.keys.entitled(key.org).await?;
        // Nobody is told of a key that was replaced while it was tested.
        let Some(finding) = self.keys.try_out(&Actor::system(), key).await? else { return Ok(()) };
        let was_refused = key.tested.is_some_and(|test| test.refused);
        if finding.verdict == Verdict::Invalid && !was_refused {
            self.notice.rejected(key, self.keys.provider(&key.provider)?).await?;
        }
        Ok(())
    }
}
