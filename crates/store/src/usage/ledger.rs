use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use async_trait::async_trait;
use futures_util::future::join_all;
use kernel::{OrgId, Record, ReservationId, StoreError, Timestamp, UserId};
use plan_core::PlanId;
use sea_orm::DbBackend;
use usage_core::{Admitted, Draft, Held, Hold, Ledger, Quantity, Released, Settled, Tally};
use uuid::Uuid;

use super::admit::Manner;
use super::reader::SeaUsage;
use super::recent::{Asked, RecentTallies, Told};
use super::turn::{Turn, Turns};
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
    turns: Turns,
}

/// What the writer works with.
#[derive(Debug, Clone)]
struct Admitting {
    db: Database,
    default: Arc<str>,
    recent: Arc<RecentTallies>,
}

impl Admitting {
    /// What somebody was told by a transaction that began when it was asked.
    fn tell(&self, (org, user): (OrgId, Option<UserId>), tally: &Tally, at: Timestamp, asked: Asked) {
        self.recent.read(Told { org, user, tally, at, asked });
    }
}

/// The counts that a call was told.
fn counts(answer: &Admitted) -> Option<&Tally> {
    match answer {
        Admitted::Recorded(tally) | Admitted::Duplicate(tally) | Admitted::OverLimit(_, tally) => Some(tally),
        Admitted::Conflict | Admitted::OutOfTime | Admitted::NoOrg => None,
    }
}

#[async_trait]
impl Commit<Vec<Draft>, Vec<Admitted>> for Admitting {
    async fn commit(&self, jobs: &[Vec<Draft>], wait: bool) -> Result<Vec<Option<Vec<Admitted>>>, StoreError> {
        let drafts: &Vec<&Draft> = &jobs.iter().flatten().collect();
        // A name that was there after all is found out once; then they are looked for.
        let hope = &AtomicBool::new(true);
        let admit = |tx: Tx| async move {
            let manner = Manner { wait, hopeful: hope.swap(false, Relaxed) };
            admit::admit(&tx, &self.default, drafts, manner).await
        };
        let asked = self.recent.asking();
        let answers = self.db.write(admit).await?;
        self.recent.committed(drafts.iter().zip(&answers).filter_map(|(draft, answer)| {
            let tally = counts(answer.as_ref()?)?;
            Some(Told { org: draft.org, user: draft.user, tally, at: draft.received_at, asked })
        }));
        let mut answers = answers.into_iter();
        let of = |job: &Vec<Draft>| answers.by_ref().take(job.len()).collect::<Vec<_>>().into_iter().collect();
        Ok(jobs.iter().map(of).collect())
    }

    fn weight(&self, job: &Vec<Draft>) -> usize {
        job.len()
    }

    fn lane(&self, job: &Vec<Draft>) -> Uuid {
        job.first().map(|draft| draft.org.uuid()).unwrap_or_default()
    }
}

impl SeaLedger {
    /// The ledger in this database. An organization that is on no plan, or whose plan is not granted, has what the plan of this name
    /// gives. The writer lives on the runtime that this is called in, and ends when the last clone is gone and all is written.
    pub fn new(db: &Database, default: &PlanId) -> Self {
        let admitting = Admitting { db: db.clone(), default: default.as_str().into(), recent: Arc::default() };
        let bounds = Bounds { batch: BATCH, queue: QUEUE, patience: db.deadline() };
        Self { group: GroupCommit::start(Arc::new(admitting.clone()), bounds), admitting, turns: Turns::default() }
    }

    /// Questions to this ledger, whose recent answers have in them what it committed.
    pub fn reader(&self) -> SeaUsage {
        let Admitting { db, default, recent } = &self.admitting;
        SeaUsage::beside(db, Arc::clone(default), Arc::clone(recent))
    }

    /// Drafts of several organizations: each organization's by itself, so that none waits for another.
    async fn admit_each(&self, drafts: &[Draft]) -> Result<Vec<Admitted>, StoreError> {
        let mut parts = BTreeMap::<OrgId, (Vec<usize>, Vec<Draft>)>::new();
        for (place, draft) in drafts.iter().enumerate() {
            let part = parts.entry(draft.org).or_default();
            part.0.push(place);
            part.1.push(draft.clone());
        }
        let (places, parts): (Vec<_>, Vec<_>) = parts.into_values().unzip();
        let answers = join_all(parts.into_iter().map(|part| self.group.submit(part))).await;
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        let by_place: BTreeMap<usize, Admitted> =
            places.into_iter().flatten().zip(answers.into_iter().flatten()).collect();
        Ok(by_place.into_values().collect())
    }

    /// The only place of this process from which somebody may wait for an organization's row.
    async fn turn(&self, org: OrgId) -> Result<Option<Turn>, StoreError> {
        let db = &self.admitting.db;
        match db.backend() {
            DbBackend::Postgres => self.turns.take(org, db.deadline()).await.map(Some),
            _ => Ok(None),
        }
    }
}

#[async_trait]
impl Ledger for SeaLedger {
    async fn admit(&self, drafts: &[Draft]) -> Result<Vec<Admitted>, StoreError> {
        match drafts {
            [] => Ok(Vec::new()),
            [first, rest @ ..] if rest.iter().all(|draft| draft.org == first.org) => {
                self.group.submit(drafts.to_vec()).await
            }
            several => self.admit_each(several).await,
        }
    }

    async fn hold(&self, hold: &Hold) -> Result<Held, StoreError> {
        let Admitting { db, default, recent } = &self.admitting;
        let _turn = self.turn(hold.org).await?;
        let asked = recent.asking();
        let attempt = |tx: Tx| async move { reservation::hold(&tx, default, hold).await };
        let answer = Box::pin(db.write(attempt)).await?;
        if let Held::Held(tally) | Held::OverLimit(_, tally) = &answer {
            self.admitting.tell((hold.org, hold.user), tally, hold.at, asked);
        }
        Ok(answer)
    }

    async fn settle(
        &self,
        org: OrgId,
        id: ReservationId,
        quantity: Quantity,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let Admitting { db, default, recent } = &self.admitting;
        let _turn = self.turn(org).await?;
        let asked = recent.asking();
        let settle = |tx: Tx| async move { reservation::settle(&tx, default, (org, id), quantity, now).await };
        let settled = Box::pin(db.write(settle)).await?;
        if let Settled::Settled(tally) | Settled::OverLimit(_, tally) = &settled {
            self.admitting.tell((org, None), tally, now, asked);
        }
        Ok(settled)
    }

    async fn release(&self, org: OrgId, id: ReservationId, _now: Timestamp) -> Result<Released, StoreError> {
        let Admitting { db, default, .. } = &self.admitting;
        let _turn = self.turn(org).await?;
        db.write(|tx: Tx| async move { reservation::release(&tx, default, (org, id)).await }).await
    }

    async fn expire(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        self.admitting.db.write(|tx: Tx| async move { reservation::expire(&tx, now, most).await }).await
    }

    async fn reset(&self, org: OrgId, record: &Record) -> Result<Option<Tally>, StoreError> {
        let Admitting { db, default, recent } = &self.admitting;
        let _turn = self.turn(org).await?;
        let reset = db.change(record, |tx: Tx| async move { reset::reset(&tx, default, org, record).await }).await;
        // Also when it is not known whether it was committed.
        recent.reset();
        reset
    }
}
