//! Whose turn it is to wait for an organization's row.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::{OrgId, StoreError};
use tokio::sync::OwnedMutexGuard;

/// A row that somebody else holds is waited for by one task of a process at a time. The others wait here, without a connection: else
/// the callers of one organization could take all that there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Lines>>);

type Lines = HashMap<OrgId, Line>;
type Line = Arc<tokio::sync::Mutex<()>>;

/// An organization's turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    org: OrgId,
    mine: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the organization's turn, at most so long.
    pub(crate) async fn take(&self, org: OrgId, patience: Duration) -> Result<Turn, StoreError> {
        let line = Line::clone(self.lines().entry(org).or_default());
        let late = || StoreError::unavailable("too many wait for this organization");
        let mine = tokio::time::timeout(patience, line.lock_owned()).await.ok().ok_or_else(late)?;
        Ok(Turn { turns: self.clone(), org, mine: Some(mine) })
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lines = self.turns.lines();
        drop(self.mine.take());
        // Nobody else stands in this line.
        if lines.get(&self.org).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.org);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::testing::manual_ambient;

    #[tokio::test]
    async fn one_at_a_time_of_each_organization() {
        let (turns, (_, ambient)) = (Turns::default(), manual_ambient(1));
        let (org, other) = (OrgId::mint(&ambient), OrgId::mint(&ambient));
        let soon = Duration::from_millis(20);
        let first = turns.take(org, soon).await.unwrap();
        let late = turns.take(org, soon).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        drop(turns.take(other, soon).await.unwrap());
        let waits = {
            let turns = turns.clone();
            tokio::spawn(async move { turns.take(org, Duration::from_mins(1)).await })
        };
        tokio::task::yield_now().await;
        drop(first);
        drop(waits.await.unwrap().unwrap());
        assert!(turns.lines().is_empty(), "nobody stands anywhere");
    }
}
