use std::sync::Arc;

use async_trait::async_trait;
use kernel::{OrgId, Record, ReservationId, StoreError, Timestamp};
use plan_core::PlanId;
use usage_core::{Admitted, Draft, Held, Hold, Ledger, Quantity, Released, Settled, Tally};

use super::{admit, reservation, reset};
use crate::connection::Database;
use crate::group_commit::{Bounds, Commit, GroupCommit};
use crate::transaction::Tx;

/// The most drafts of one transaction.
const BATCH: usize = 1024;
/// The most drafts that wait; each has at most 4 KiB of metadata beside its few names.
const QUEUE: usize = 65_536;

/// The ledger in the database. Clones share one writer, which admits together what was sent while it was committing.
#[derive(Debug, Clone)]
pub struct SeaLedger {
    admitting: Admitting,
    group: GroupCommit<Vec<Draft>, Vec<Admitted>>,
}

/// What the writer works with.
#[derive(Debug, Clone)]
struct Admitting {
    db: Database,
    default: Arc<str>,
}

#[async_trait]
impl Commit<Vec<Draft>, Vec<Admitted>> for Admitting {
    async fn commit(&self, jobs: &[Vec<Draft>]) -> Result<Vec<Vec<Admitted>>, StoreError> {
        let drafts: &Vec<&Draft> = &jobs.iter().flatten().collect();
        let admit = |tx: Tx| async move { admit::admit(&tx, &self.default, drafts).await };
        let mut answers = self.db.write(admit).await?.into_iter();
        Ok(jobs.iter().map(|job| answers.by_ref().take(job.len()).collect()).collect())
    }

    fn weight(&self, job: &Vec<Draft>) -> usize {
        job.len()
    }
}

impl SeaLedger {
    /// The ledger in this database. An organization that is on no plan, or whose plan is not granted, has what the plan of this name
    /// gives. The writer lives on the runtime that this is called in, and ends when the last clone is gone and all is written.
    pub fn new(db: &Database, default: &PlanId) -> Self {
        let admitting = Admitting { db: db.clone(), default: default.as_str().into() };
        let bounds = Bounds { batch: BATCH, queue: QUEUE, patience: db.deadline() };
        Self { group: GroupCommit::start(Arc::new(admitting.clone()), bounds), admitting }
    }
}

#[async_trait]
impl Ledger for SeaLedger {
    async fn admit(&self, drafts: &[Draft]) -> Result<Vec<Admitted>, StoreError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        self.group.submit(drafts.to_vec()).await
    }

    async fn hold(&self, hold: &Hold) -> Result<Held, StoreError> {
        let Admitting { db, default } = &self.admitting;
        db.write(|tx: Tx| async move { reservation::hold(&tx, default, hold).await }).await
    }

    async fn settle(
        &self,
        org: OrgId,
        id: ReservationId,
        quantity: Quantity,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let Admitting { db, default } = &self.admitting;
        db.write(|tx: Tx| async move { reservation::settle(&tx, default, (org, id), quantity, now).await }).await
    }

    async fn release(&self, org: OrgId, id: ReservationId, _now: Timestamp) -> Result<Released, StoreError> {
        let Admitting { db, default } = &self.admitting;
        db.write(|tx: Tx| async move { reservation::release(&tx, default, (org, id)).await }).await
    }

    async fn expire(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let Admitting { db, default } = &self.admitting;
        db.write(|tx: Tx| async move { reservation::expire(&tx, default, now, most).await }).await
    }

    async fn reset(&self, org: OrgId, record: &Record) -> Result<Option<Tally>, StoreError> {
        let Admitting { db, default } = &self.admitting;
        db.change(record, |tx: Tx| async move { reset::reset(&tx, default, org, record).await }).await
    }
}
