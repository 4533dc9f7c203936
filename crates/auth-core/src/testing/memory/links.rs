use async_trait::async_trait;
use kernel::{Record, StoreError, Timestamp, TokenHash, UserId};

use super::MemoryAuth;
use crate::LinkStore;

#[async_trait]
impl LinkStore for MemoryAuth {
    async fn issue(
        &self,
        link: &TokenHash,
        user: UserId,
        expires_at: Timestamp,
        record: &Record,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        self.trail.keep(record)?;
        state.links.insert(*link, (user, expires_at));
        Ok(())
    }

    async fn redeem(&self, link: &TokenHash, now: Timestamp) -> Result<Option<UserId>, StoreError> {
        let used = self.state()?.links.remove(link);
        Ok(used.filter(|(_, expires_at)| now < *expires_at).map(|(user, _)| user))
    }
}
