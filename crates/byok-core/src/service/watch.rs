use std::sync::Arc;

use chrono::TimeDelta;
use kernel::Actor;

use crate::{Byok, ByokError, KeyNotice, ProviderKey, Remembered, Verdict};

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Keys that were taken up: fewer than [`Watch::ROUND`] when no more are due.
    pub claimed: u64,
    /// Those that were tested.
    pub tested: u64,
    /// Those that do not open, or not for where their provider is now. Each is in the trail.
    pub unusable: u64,
}

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

    /// Tests up to [`Watch::ROUND`] keys whose time has come, one after another. A key that cannot be tested hinders no other.
    pub async fn round(&self) -> Result<Round, ByokError> {
        let now = self.keys.ambient.now();
        // A key's turn is over when it was claimed, tested or not: those that cannot be tested do not crowd the others out.
        let (before, until) = (now - self.every, now + self.every);
        let due = self.keys.ports.keys.claim_untested(before, now, until, Self::ROUND).await?;
        let mut round = Round::default();
        for key in due {
            round.claimed += 1;
            match self.one(&key).await {
                Ok(()) => round.tested += 1,
                // A database that is away is away for all of them.
                Err(ByokError::Store(error)) => return Err(error.into()),
                Err(ByokError::Undecryptable(_) | ByokError::Endpoint(_)) => round.unusable += 1,
                // The plan gives no keys any more, or the catalogue has no such provider.
                Err(_) => {}
            }
        }
        Ok(round)
    }

    async fn one(&self, key: &ProviderKey) -> Result<(), ByokError> {
        self.keys.entitled(key.org).await?;
        // Nobody is told of a key that was replaced while it was tested, nor of what a later test has found out otherwise.
        let Some((finding, Remembered::Kept)) = self.keys.try_out(&Actor::system(), key).await? else { return Ok(()) };
        let was_refused = key.tested.is_some_and(|test| test.refused);
        if finding.verdict == Verdict::Invalid && !was_refused {
            self.notice.rejected(key, self.keys.provider(&key.provider)?).await?;
        }
        Ok(())
    }
}
