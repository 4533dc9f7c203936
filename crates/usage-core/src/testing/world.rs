use std::time::Duration;

use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, OrgId, Timestamp, UserId};

use crate::{Allowance, Bookkeeping, Hold, Ledger, UsageReader};

/// What a contract needs of the world around the ports of this crate. An adapter's test answers it with its own plans,
/// organizations and accounts, and [`KeptRecords`] with a look into its audit table.
#[async_trait]
pub trait World: KeptRecords {
    /// Makes an active organization that has this allowance, and has been there for ever. No two organizations of a contract share a
    /// tier's name, which is a good plan id.
    async fn org(&self, allowance: &Allowance) -> OrgId;
    /// Gives the organization another allowance, at once. The anchor is always the one it had.
    async fn allow(&self, org: OrgId, allowance: &Allowance);
    /// Lets the organization have been made at this moment.
    async fn made(&self, org: OrgId, at: Timestamp);
    /// Suspends the organization.
    async fn suspend(&self, org: OrgId);
    /// Deletes the organization, softly.
    async fn delete(&self, org: OrgId);
    /// Makes an enabled account.
    async fn user(&self) -> UserId;
    /// Holds the same so many times more, each under an id of its own; the counters say so too. What it does not fit under is not asked.
    async fn hold_more(&self, hold: &Hold, times: u32);
    /// Adds `by` to what the organization's counter says of the month in which `at` lies, behind the ledger's back, as a hand in the
    /// database would.
    async fn falsify(&self, org: OrgId, at: Timestamp, by: u64);
}

/// The ports over one database, and the world around them.
#[derive(Clone, Copy)]
pub struct UsageStores<'a> {
    /// The ledger.
    pub ledger: &'a dyn Ledger,
    /// Questions to it.
    pub reader: &'a dyn UsageReader,
    /// Its books.
    pub books: &'a dyn Bookkeeping,
    /// The organizations and people.
    pub world: &'a dyn World,
    /// Time and randomness: contracts count their times from its now, and hand them over with each call. Nobody needs to move it.
    pub ambient: &'a Ambient,
}

/// The clock by which a rate limiter under test counts: a manual one is moved, for a real one time is waited for.
#[async_trait]
pub trait Passing: Send + Sync {
    /// Now, by the limiter's clock.
    async fn now(&self) -> Timestamp;
    /// Lets this much time pass, never less.
    async fn pass(&self, time: Duration);
}
