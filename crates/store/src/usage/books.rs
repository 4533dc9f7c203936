use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{OrgId, StoreError, Timestamp};
use sea_orm::DbBackend;
use usage_core::{Bookkeeping, Verification};
use uuid::Uuid;

use super::derived::Derived;
use super::row::{self, run, select};
use super::standing::lock;
use crate::connection::Database;
use crate::error::Failure;
use crate::transaction::{Step::Commit, Tx};
use crate::value::micros;

/// The longest that going through one organization's ledger may take.
const LONGEST: Duration = Duration::from_mins(10);

const ORGANIZATIONS: &str = "SELECT o.id FROM organization o \
     WHERE EXISTS (SELECT 1 FROM usage_event e WHERE e.org_id = o.id) \
     OR EXISTS (SELECT 1 FROM usage_counter c WHERE c.org_id = o.id) \
     OR EXISTS (SELECT 1 FROM usage_day d WHERE d.org_id = o.id) \
     OR EXISTS (SELECT 1 FROM usage_total t WHERE t.org_id = o.id) \
     OR EXISTS (SELECT 1 FROM usage_reservation r WHERE r.org_id = o.id AND r.state = 'open') ORDER BY o.id";

/// The last row of the ledger, on SQLite.
const LAST: &str = "SELECT COALESCE(MAX(rowid), 0) FROM usage_event";

const RAN_OUT: &str =
    "UPDATE usage_reservation SET state = 'expired' WHERE org_id = $1 AND state = 'open' AND expires_at <= $2";

/// What is derived from the ledger in the database, and whether it is right.
#[derive(Debug, Clone)]
pub struct SeaBooks(Database);

impl SeaBooks {
    /// The books of this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }
}

/// Only the row is wanted, not what the organization may use: no plan has this name.
async fn hold_row(tx: &Tx, org: OrgId) -> Result<(), Failure> {
    lock(&**tx, "", &BTreeSet::from([org.uuid()])).await.map(drop)
}

impl SeaBooks {
    /// What is summed up before anything is locked, and the last row of it.
    ///
    /// SQLite has one writer for all organizations, who must not wait for a long ledger: what is there is read beside it, and under its
    /// lock only what came meanwhile. Rows are never changed nor deleted, so every new one has a higher `rowid`. On PostgreSQL it
    /// is the organization alone that waits, and nothing is read before; but its row is made, which others must not wait for either.
    async fn before(&self, org: OrgId) -> Result<(Derived, Option<i64>), StoreError> {
        if self.0.backend() == DbBackend::Postgres {
            let open = |tx: Tx| async move { hold_row(&tx, org).await.map(Commit) };
            return self.0.write(open).await.map(|()| (Derived::default(), None));
        }
        let read = |tx: Tx| async move {
            let mut derived = Derived::default();
            derived.add_ledger(&*tx, org, None).await?;
            let last = select(&*tx, LAST, Vec::new()).await?.first().map(|row| row.try_get_by_index(0)).transpose()?;
            Ok((derived, Some(last.unwrap_or(0))))
        };
        self.0.snapshot(LONGEST, read).await
    }
}

#[async_trait]
impl Bookkeeping for SeaBooks {
    async fn organizations(&self) -> Result<Vec<OrgId>, StoreError> {
        let rows = self.0.ask(select(self.0.reader(), ORGANIZATIONS, Vec::new())).await?;
        let id = |row: &sea_orm::QueryResult| row.try_get_by_index::<Uuid>(0).map(OrgId::from_uuid);
        rows.iter().map(id).collect::<Result<_, _>>().map_err(StoreError::broken)
    }

    async fn verify(&self, org: OrgId) -> Result<Verification, StoreError> {
        let verify = |tx: Tx| async move {
            let (ledger, kept) = (Derived::from_ledger(&*tx, org).await?, Derived::kept(&*tx, org).await?);
            Ok(Verification { organizations: 1, entries: ledger.entries, differences: kept.differences(&ledger, org) })
        };
        self.0.snapshot(LONGEST, verify).await
    }

    async fn rebuild(&self, org: OrgId, now: Timestamp) -> Result<u64, StoreError> {
        let (before, last) = &self.before(org).await?;
        let rebuild = |tx: Tx| async move {
            hold_row(&tx, org).await?;
            run(&*tx, RAN_OUT, vec![org.uuid().into(), micros(now).into()]).await?;
            let mut ledger = before.clone();
            ledger.add_ledger(&*tx, org, *last).await?;
            ledger.add_held(&*tx, org).await?;
            for table in ["usage_counter", "usage_day", "usage_total"] {
                run(&*tx, &format!("DELETE FROM {table} WHERE org_id = $1"), vec![org.uuid().into()]).await?;
            }
            let (days, lines) = ledger.rows()?;
            row::write(&*tx, &days, &lines).await?;
            Ok::<_, Failure>(Commit(ledger.entries))
        };
        self.0.write_long(LONGEST, rebuild).await
    }
}
