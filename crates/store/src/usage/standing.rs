//! What an organization's plan lets it use, as of now.
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use kernel::{Limit, OrgId, StoreError, Timestamp};
use org_core::OrgStatus;
use plan_core::SubscriptionStatus;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use uuid::Uuid;

use super::row::{among, ids, run, select, stored};
use crate::error::{Failure, bad_column, is_held};

/// $1 the default plan.
const STANDING: &str = "SELECT o.id, o.status, o.created_at, s.status, s.anchor, s.trial_ends_at, \
     p.id, p.monthly_limit, p.daily_limit, p.per_user_limit, \
     d.id, d.monthly_limit, d.daily_limit, d.per_user_limit \
     FROM organization o LEFT JOIN subscription s ON s.org_id = o.id \
     LEFT JOIN plan p ON p.id = s.plan_id LEFT JOIN plan d ON d.id = $1";

/// An organization that is metered for the first time gets its row. The order keeps two who do so from waiting for each other.
const OPEN_ACCOUNTS: &str = "INSERT INTO usage_account (org_id) SELECT id FROM organization WHERE id = ANY($1) ORDER BY id \
     ON CONFLICT (org_id) DO NOTHING";

/// The rows of those who are waited for, in an order in which nobody waits for each other.
const WAIT: &str = "SELECT org_id FROM usage_account WHERE org_id = ANY($1) ORDER BY org_id FOR UPDATE";

/// The limits of one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) tier: String,
    pub(crate) monthly: Limit,
    pub(crate) daily: Limit,
    pub(crate) per_user: Limit,
}

impl Terms {
    /// Four columns; `None` where no plan was joined.
    fn read(row: &QueryResult, from: usize) -> Result<Option<Self>, Failure> {
        let Some(tier) = row.try_get_by_index::<Option<String>>(from)? else { return Ok(None) };
        let limit = |column: usize| -> Result<Limit, Failure> {
            let number = row.try_get_by_index::<i64>(from + column)?;
            Ok(Limit::from_i64(number).ok_or_else(|| bad_column("plan.limit"))?)
        };
        Ok(Some(Self { tier, monthly: limit(1)?, daily: limit(2)?, per_user: limit(3)? }))
    }
}

/// An organization that is not deleted, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Neither suspended nor deleted.
    pub(crate) active: bool,
    /// When it was made.
    pub(crate) made: Timestamp,
    /// Its months are counted from here.
    pub(crate) anchor: Timestamp,
    /// Its own plan, if its subscription grants it, and until when if there is an end.
    own: Option<(Terms, Option<Timestamp>)>,
    default: Option<Terms>,
}

impl Standing {
    fn read(row: &QueryResult) -> Result<(Uuid, Option<Self>), Failure> {
        let id = row.try_get_by_index::<Uuid>(0)?;
        let org = row.try_get_by_index::<String>(1)?;
        if org == OrgStatus::Deleted.as_str() {
            return Ok((id, None));
        }
        let created = row.try_get_by_index::<Timestamp>(2)?;
        let status = row.try_get_by_index::<Option<String>>(3)?;
        let status =
            status.map(|text| SubscriptionStatus::parse(&text).ok_or_else(|| bad_column("subscription.status")));
        let granted = status.transpose()?.is_some_and(SubscriptionStatus::grants);
        let until = row.try_get_by_index::<Option<Timestamp>>(5)?;
        let standing = Self {
            active: org == OrgStatus::Active.as_str(),
            made: stored(created),
            anchor: row.try_get_by_index::<Option<Timestamp>>(4)?.unwrap_or(created),
            own: Terms::read(row, 6)?.filter(|_| granted).map(|terms| (terms, until)),
            default: Terms::read(row, 10)?,
        };
        Ok((id, Some(standing)))
    }

    /// The limits at this time: those of its own plan, or of the default plan when that is not granted or its trial is over.
    pub(crate) fn terms(&self, now: Timestamp) -> Result<&Terms, StoreError> {
        match &self.own {
            Some((terms, until)) if until.is_none_or(|end| now < end) => Ok(terms),
            _ => self.default.as_ref().ok_or_else(|| StoreError::broken("the default plan is not in the catalogue")),
        }
    }
}

/// What was found of some organizations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standings(HashMap<Uuid, Standing>);

impl Standings {
    /// An organization that is not deleted.
    pub(crate) fn of(&self, org: OrgId) -> Option<&Standing> {
        self.0.get(&org.uuid())
    }

    /// An organization that may use something.
    pub(crate) fn active(&self, org: OrgId) -> Option<&Standing> {
        self.of(org).filter(|standing| standing.active)
    }
}

/// The organizations, and nobody else changes their ledger or what is derived from it until the transaction ends.
///
/// A row that is free is locked and read at once. Whoever has to wait locks first, and reads what the plans say then: a statement that
/// waits goes on with what was there when it began.
pub(crate) async fn lock(
    tx: &impl ConnectionTrait,
    default: &str,
    orgs: &BTreeSet<Uuid>,
) -> Result<Standings, Failure> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return look(tx, default, orgs).await;
    }
    // Of several, those that are free must not be held while the others are waited for.
    if orgs.len() == 1 {
        let (found, held) = lock_free(tx, default, orgs).await?;
        if held.is_empty() {
            return Ok(found);
        }
    }
    let wait = || select(tx, WAIT, vec![ids(DbBackend::Postgres, orgs)]);
    if wait().await?.len() < orgs.len() {
        run(tx, OPEN_ACCOUNTS, vec![ids(DbBackend::Postgres, orgs)]).await?;
        wait().await?;
    }
    look(tx, default, orgs).await
}

/// The same for those of the organizations that have a row which nobody else holds, and which those are that have not: nobody is waited
/// for.
pub(crate) async fn lock_free(
    tx: &impl ConnectionTrait,
    default: &str,
    orgs: &BTreeSet<Uuid>,
) -> Result<(Standings, BTreeSet<Uuid>), Failure> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok((look(tx, default, orgs).await?, BTreeSet::new()));
    }
    let rows = free(tx, default, orgs).await?;
    let ours = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<BTreeSet<Uuid>, _>>()?;
    Ok((standings(&rows)?, orgs.difference(&ours).copied().collect()))
}

/// As [`lock`], but waits for this time only: `None` when somebody else still holds one of the rows then. The transaction is over.
pub(crate) async fn lock_soon(
    tx: &impl ConnectionTrait,
    default: &str,
    orgs: &BTreeSet<Uuid>,
    patience: Duration,
) -> Result<Option<Standings>, Failure> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(&format!("SET LOCAL lock_timeout = {}", patience.as_millis())).await?;
    }
    match lock(tx, default, orgs).await {
        Ok(standings) => Ok(Some(standings)),
        Err(Failure::Db(err)) if is_held(&err) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Locks and reads those that nobody else holds, at once: what does not wait is not old.
async fn free(tx: &impl ConnectionTrait, default: &str, orgs: &BTreeSet<Uuid>) -> Result<Vec<QueryResult>, DbErr> {
    let sql = format!(
        "{STANDING} JOIN usage_account a ON a.org_id = o.id WHERE o.id = ANY($2) ORDER BY o.id FOR UPDATE OF a SKIP LOCKED"
    );
    select(tx, &sql, vec![default.into(), ids(DbBackend::Postgres, orgs)]).await
}

/// The organizations, without a lock.
pub(crate) async fn look(
    db: &impl ConnectionTrait,
    default: &str,
    orgs: &BTreeSet<Uuid>,
) -> Result<Standings, Failure> {
    let backend = db.get_database_backend();
    let sql = format!("{STANDING} WHERE {}", among(backend, "o.id", 2));
    standings(&select(db, &sql, vec![default.into(), ids(backend, orgs)]).await?)
}

fn standings(rows: &[QueryResult]) -> Result<Standings, Failure> {
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        if let (id, Some(standing)) = Standing::read(row)? {
            found.insert(id, standing);
        }
    }
    Ok(Standings(found))
}
