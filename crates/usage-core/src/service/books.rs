use std::sync::Arc;

use kernel::{Ambient, OrgId};

use crate::{Bookkeeping, UsageError, Verification};

/// How far a walk over all organizations is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The organization that was done last.
    pub org: OrgId,
    /// How many are done.
    pub done: u64,
    /// How many there are.
    pub of: u64,
    /// How many ledger rows that one has.
    pub entries: u64,
}

/// Checks and mends the numbers that are derived from the ledger, one organization after the other.
#[derive(Clone)]
pub struct Books {
    books: Arc<dyn Bookkeeping>,
    ambient: Ambient,
}

impl Books {
    /// The most differences that a verification names.
    pub const MAX_DIFFERENCES: usize = 100;

    /// The use cases over these books.
    pub fn new(books: Arc<dyn Bookkeeping>, ambient: Ambient) -> Self {
        Self { books, ambient }
    }

    /// Compares every organization's counters and history with its ledger.
    pub async fn verify(&self, mut progress: impl FnMut(&Progress) + Send) -> Result<Verification, UsageError> {
        let orgs = self.books.organizations().await?;
        let mut sum = Verification::default();
        for (org, done) in orgs.iter().zip(1..) {
            let found = self.books.verify(*org).await?;
            sum.organizations += 1;
            sum.entries += found.entries;
            sum.differences.extend(found.differences);
            sum.differences.truncate(Self::MAX_DIFFERENCES);
            progress(&step(*org, done, orgs.len(), found.entries));
        }
        Ok(sum)
    }

    /// Makes every organization's counters and history anew from its ledger; how many ledger rows there were. Each organization is one
    /// transaction, so this may be interrupted and begun again.
    pub async fn rebuild(&self, mut progress: impl FnMut(&Progress) + Send) -> Result<u64, UsageError> {
        let orgs = self.books.organizations().await?;
        let mut sum = 0;
        for (org, done) in orgs.iter().zip(1..) {
            let entries = self.books.rebuild(*org, self.ambient.now()).await?;
            sum += entries;
            progress(&step(*org, done, orgs.len(), entries));
        }
        Ok(sum)
    }
}

fn step(org: OrgId, done: u64, of: usize, entries: u64) -> Progress {
    Progress { org, done, of: u64::try_from(of).unwrap_or(u64::MAX), entries }
}
