//! Writing down that keys were handed out, many in one transaction.
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use byok_core::ProviderKey;
use chrono::TimeDelta;
use kernel::{OrgId, Outcome, Record, StoreError, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use uuid::Uuid;

use super::row::version_of;
use crate::audit;
use crate::connection::Database;
use crate::error::{Failure, is_held};
use crate::group_commit;
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::usage::row::{among, ids, run, select};
use crate::value::storable;

/// How old `last_used_at` may be before it is moved.
const USED: TimeDelta = TimeDelta::minutes(1);
/// How long to wait for a key that somebody else is changing, before others are waited for.
const A_WHILE: Duration = Duration::from_millis(250);

/// That a key was handed out, or could not be.
#[derive(Debug, Clone)]
pub(super) struct Use {
    org: Uuid,
    id: Uuid,
    version: i64,
    record: Record,
}

impl Use {
    pub(super) fn new(key: &ProviderKey, record: &Record) -> Self {
        Self { org: key.org.uuid(), id: key.id.uuid(), version: key.version.into(), record: record.clone() }
    }
}

/// A row as it is now. Until the transaction ends it is neither replaced nor destroyed.
#[derive(Debug, Clone, Copy)]
struct Held {
    org: Uuid,
    version: i64,
    last_used: Option<Timestamp>,
}

impl Held {
    fn of(row: &QueryResult) -> Result<(Uuid, Self), DbErr> {
        let (org, version) = (row.try_get_by_index(1)?, version_of(row.try_get_by_index(2)?).into());
        Ok((row.try_get_by_index(0)?, Self { org, version, last_used: row.try_get_by_index(3)? }))
    }
}

/// What the writer works with.
#[derive(Debug)]
pub(super) struct Handing(Database);

impl Handing {
    pub(super) fn new(db: &Database) -> Self {
        Self(db.clone())
    }
}

#[async_trait]
impl group_commit::Commit<Use, bool> for Handing {
    async fn commit(&self, jobs: &[Use], wait: bool) -> Result<Vec<Option<bool>>, StoreError> {
        let (answers, moved) = self.0.write(|tx: Tx| async move { hand_out(&tx, jobs, wait).await }).await?;
        for org in moved {
            self.0.provider_keys().forget(&OrgId::from_uuid(org));
        }
        Ok(answers)
    }

    fn weight(&self, _: &Use) -> usize {
        1
    }

    fn lane(&self, job: &Use) -> Uuid {
        job.id
    }
}

/// Whether each key is still the one that was read; none for those that somebody else is changing, with `wait` after a while. And the
/// organizations of those whose `last_used_at` moved.
async fn hand_out(tx: &Tx, uses: &[Use], wait: bool) -> Result<Step<(Vec<Option<bool>>, HashSet<Uuid>)>, Failure> {
    let wanted: BTreeSet<Uuid> = uses.iter().map(|job| job.id).collect();
    let held = match hold(&**tx, &wanted, wait).await {
        Ok(held) => held,
        Err(err) if wait && is_held(&err) => return Ok(RollBack((vec![None; uses.len()], HashSet::new()))),
        Err(err) => return Err(err.into()),
    };
    let changing = existing(&**tx, wanted.iter().filter(|id| !held.contains_key(id))).await?;
    let answer = |job: &Use| match held.get(&job.id) {
        Some(row) => Some((row.org, row.version) == (job.org, job.version)),
        None if changing.contains(&job.id) => None,
        None => Some(false),
    };
    let answers: Vec<Option<bool>> = uses.iter().map(answer).collect();
    let out: Vec<&Use> = uses.iter().zip(&answers).filter(|(_, is)| **is == Some(true)).map(|(job, _)| job).collect();
    if out.is_empty() {
        return Ok(RollBack((answers, HashSet::new())));
    }
    audit::append_all(&**tx, out.iter().map(|job| &job.record)).await?;
    let moved = use_now(&**tx, &held, &out).await?;
    Ok(Commit((answers, moved)))
}

/// Locks the rows that nobody else is changing; with `wait` all, which takes a while at most.
async fn hold(tx: &impl ConnectionTrait, wanted: &BTreeSet<Uuid>, wait: bool) -> Result<BTreeMap<Uuid, Held>, DbErr> {
    let backend = tx.get_database_backend();
    let lock = match (backend, wait) {
        (DbBackend::Postgres, false) => "FOR NO KEY UPDATE SKIP LOCKED",
        (DbBackend::Postgres, true) => "FOR NO KEY UPDATE",
        _ => "",
    };
    if wait && backend == DbBackend::Postgres {
        tx.execute_unprepared(&format!("SET LOCAL lock_timeout = {}", A_WHILE.as_millis())).await?;
    }
    let these = among(backend, "id", 1);
    let sql = format!("SELECT id, org_id, version, last_used_at FROM provider_key WHERE {these} ORDER BY id {lock}");
    select(tx, &sql, vec![ids(backend, wanted)]).await?.iter().map(Held::of).collect()
}

/// Those of these that there are: somebody else is changing them.
async fn existing<'a>(
    tx: &impl ConnectionTrait,
    missing: impl Iterator<Item = &'a Uuid>,
) -> Result<HashSet<Uuid>, DbErr> {
    let missing: Vec<&Uuid> = missing.collect();
    if missing.is_empty() {
        return Ok(HashSet::new());
    }
    let backend = tx.get_database_backend();
    let sql = format!("SELECT id FROM provider_key WHERE {}", among(backend, "id", 1));
    let found = select(tx, &sql, vec![ids(backend, missing)]).await?;
    found.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Remembers when keys were last used, of those for which that was longer ago; their organizations.
async fn use_now(tx: &impl ConnectionTrait, held: &BTreeMap<Uuid, Held>, out: &[&Use]) -> Result<HashSet<Uuid>, DbErr> {
    let is_old = |job: &Use| {
        let last = held.get(&job.id).and_then(|row| row.last_used);
        job.record.outcome == Outcome::Success && last.is_none_or(|last| job.record.at - last >= USED)
    };
    let old: Vec<&&Use> = out.iter().filter(|job| is_old(job)).collect();
    let Some(now) = old.iter().map(|job| job.record.at).max() else { return Ok(HashSet::new()) };
    let backend = tx.get_database_backend();
    let sql = format!("UPDATE provider_key SET last_used_at = $2 WHERE {}", among(backend, "id", 1));
    let used: BTreeSet<Uuid> = old.iter().map(|job| job.id).collect();
    run(tx, &sql, vec![ids(backend, &used), storable(now).into()]).await?;
    Ok(old.iter().map(|job| job.org).collect())
}
