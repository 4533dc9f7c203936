use async_trait::async_trait;
use kernel::{OrgId, Record, ReservationId, StoreError, Timestamp, UserId};

use crate::{
    Admitted, Bucket, DayUsage, Days, Draft, Entry, EventId, Held, Hold, Quantity, Rate, Released, Settled, Sum, Taken,
    Tally, Verification,
};

/// The ledger and its counters. A counter is at every moment the sum of its ledger rows, and with what is held it never exceeds the
/// limit that the organization's plan has in the same transaction. The rows are their own record, so only what people do by hand
/// (a reset) carries one for the trail.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Admits each draft in turn, as if each were alone, in one transaction for each organization: all answers are durable when they
    /// are given. A draft whose time does not count ([`crate::policy::counts`]) is `OutOfTime`, unless its name is in the ledger: a
    /// known event stays known for ever. What is asked first: the organization, the name, the time, the limits. Reservations that ran
    /// out at the draft's `received_at` count no more. One answer for each draft, in their order.
    ///
    /// An error says nothing of what was recorded: the same drafts may be sent again.
    async fn admit(&self, drafts: &[Draft]) -> Result<Vec<Admitted>, StoreError>;
    /// Holds quantity until it is settled, released, or its time is over. What ran out at `hold.at` counts no more: a reservation
    /// ends at its `expires_at`, that moment included, whether or not `expire` was called. At most [`Hold::MOST_OPEN`] of an
    /// organization are open at once; the limits are asked first.
    async fn hold(&self, hold: &Hold) -> Result<Held, StoreError>;
    /// Writes what a held call really cost; the rest is free again. The periods are those of the hold. Only what exceeds the held
    /// quantity has to fit; it is a call that happened, so a suspended organization settles too.
    async fn settle(
        &self,
        org: OrgId,
        id: ReservationId,
        quantity: Quantity,
        now: Timestamp,
    ) -> Result<Settled, StoreError>;
    /// Gives back what is held.
    async fn release(&self, org: OrgId, id: ReservationId, now: Timestamp) -> Result<Released, StoreError>;
    /// Gives back what ran out at `now` or before, at most `most` reservations, of all organizations; how many there were.
    async fn expire(&self, now: Timestamp, most: u32) -> Result<u64, StoreError>;
    /// Sets the organization's month and day (those of `record.at`), and each of its users' month, back to zero by compensating
    /// entries; the counts after that, or `None` without such an organization (a suspended one is one). Nothing is deleted, history
    /// stays, and what is held stays held.
    ///
    /// There is one compensating entry for each user (and for nobody) and each day of the month on which their sum is not zero, with
    /// the time of the last entry that it compensates: so it lies in the same day and month as those, and every counter is still the
    /// sum of the rows of its own period. Where the month began in the course of the day, the hours before that are compensated by
    /// entries of their own, in the month that they belong to. The time of recording is `record.at`.
    async fn reset(&self, org: OrgId, record: &Record) -> Result<Option<Tally>, StoreError>;
}

/// Questions to the ledger and what is derived from it.
#[async_trait]
pub trait UsageReader: Send + Sync {
    /// The counts at `now`, without what ran out by then; `None` without such an organization (a suspended one has counts).
    async fn tally(&self, org: OrgId, user: Option<UserId>, now: Timestamp) -> Result<Option<Tally>, StoreError>;
    /// The same, at most one second old: for what is told beside an answer and decides nothing. What this process recorded, held,
    /// settled, set back or told of the organization meanwhile is in it: nobody is told of less than they were told before.
    async fn recent_tally(
        &self,
        org: OrgId,
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<Option<Tally>, StoreError> {
        self.tally(org, user, now).await
    }
    /// What was used on these days, by day and service, in this order. Resets are no part of it. Its cost grows with the days, not
    /// with the ledger, nor with the users.
    async fn history(&self, org: OrgId, days: Days) -> Result<Vec<DayUsage>, StoreError>;
    /// What each user used on these days, in the order of their ids; first what no person used, if anything was.
    async fn users(&self, org: OrgId, days: Days) -> Result<Vec<(Option<UserId>, Sum)>, StoreError>;
    /// Ledger rows that occurred on these days, after `after`, in the order of recording, then name (byte by byte), at most `most`.
    async fn entries(
        &self,
        org: OrgId,
        days: Days,
        after: Option<(Timestamp, EventId)>,
        most: u32,
    ) -> Result<Vec<Entry>, StoreError>;
}

/// Whether the derived numbers agree with the ledger.
#[async_trait]
pub trait Bookkeeping: Send + Sync {
    /// The organizations that have ledger rows or counters, in the order of their ids.
    async fn organizations(&self) -> Result<Vec<OrgId>, StoreError>;
    /// Compares one organization's counters and history with its ledger, in one snapshot.
    async fn verify(&self, org: OrgId) -> Result<Verification, StoreError>;
    /// Makes one organization's counters and history anew from its ledger, in one transaction; how many ledger rows there were.
    async fn rebuild(&self, org: OrgId, now: Timestamp) -> Result<u64, StoreError>;
}

/// Buckets for rate limits. What is refused costs nothing.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Takes `cost` from a bucket, if it fits whole; a cost beyond the quota never does.
    async fn take(&self, bucket: &Bucket, rate: Rate, cost: u32) -> Result<Taken, StoreError>;
    /// Looks at a bucket: whether one more would fit. Asking costs nothing.
    async fn peek(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, StoreError>;
}
