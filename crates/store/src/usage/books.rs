use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{OrgId, StoreError, Timestamp};
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
     OR EXISTS (SELECT 1 FROM usage_counter c WHERE c.org_id = o.id) ORDER BY o.id";

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
        let rebuild = |tx: Tx| async move {
            // Only the row is wanted, not what the organization may use: no plan has this name.
            lock(&*tx, "", &BTreeSet::from([org.uuid()])).await?;
            run(&*tx, RAN_OUT, vec![org.uuid().into(), micros(now).into()]).await?;
            let ledger = Derived::from_ledger(&*tx, org).await?;
            for table in ["usage_counter", "usage_day"] {
                run(&*tx, &format!("DELETE FROM {table} WHERE org_id = $1"), vec![org.uuid().into()]).await?;
            }
            let (days, lines) = ledger.rows()?;
            row::write(&*tx, &days, &lines).await?;
            Ok::<_, Failure>(Commit(ledger.entries))
        };
        self.0.write_long(LONGEST, rebuild).await
    }
}
