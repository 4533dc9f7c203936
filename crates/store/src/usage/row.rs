//! The rows of metering, and the statements that differ between the databases.
use std::collections::BTreeMap;

use kernel::{StoreError, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use usage_core::EntryKind;
use uuid::Uuid;

use super::key::CounterKey;
use super::sheet::Line;
use super::{postgres, sqlite};
use crate::error::{Failure, bad_column};
use crate::value::{from_micros, micros};

/// A row of the ledger, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventRow {
    pub(crate) org: Uuid,
    pub(crate) event: String,
    pub(crate) kind: EntryKind,
    pub(crate) user: Option<Uuid>,
    pub(crate) service: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) quantity: i64,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) month_start: i64,
    /// Empty for the ledger's own entries: no draft is the same as one of them.
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) metadata: Option<String>,
}

/// A row of history. The nil UUID is nobody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DayKey {
    pub(crate) org: Uuid,
    pub(crate) day: i64,
    pub(crate) service: String,
    pub(crate) user: Uuid,
}

/// A row of history in which users are not told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TotalKey {
    pub(crate) org: Uuid,
    pub(crate) day: i64,
    pub(crate) service: String,
}

/// What a row of history says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DaySum {
    pub(crate) events: i64,
    pub(crate) quantity: i64,
}

/// What a transaction adds, beside the counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(crate) events: Vec<EventRow>,
    pub(crate) days: BTreeMap<DayKey, DaySum>,
}

impl Changes {
    /// Adds a row of the ledger; what was used also to the history. A reset is no use.
    pub(crate) fn record(&mut self, row: EventRow) {
        if let (EntryKind::Call | EntryKind::Settled, Some(service)) = (row.kind, &row.service) {
            let day = midnight(row.occurred_at);
            let key = DayKey { org: row.org, day, service: service.clone(), user: row.user.unwrap_or_default() };
            let sum = self.days.entry(key).or_default();
            sum.events = sum.events.saturating_add(1);
            sum.quantity = sum.quantity.saturating_add(row.quantity);
        }
        self.events.push(row);
    }

    /// The sums of the days over all users.
    pub(crate) fn totals(&self) -> BTreeMap<TotalKey, DaySum> {
        let mut totals = BTreeMap::<TotalKey, DaySum>::new();
        for (key, day) in &self.days {
            let sum = totals.entry(key.total()).or_default();
            sum.events = sum.events.saturating_add(day.events);
            sum.quantity = sum.quantity.saturating_add(day.quantity);
        }
        totals
    }
}

impl DayKey {
    /// In which total it is.
    pub(crate) fn total(&self) -> TotalKey {
        TotalKey { org: self.org, day: self.day, service: self.service.clone() }
    }
}

/// The midnight before a moment, both in microseconds since 1970.
pub(crate) fn midnight(at: i64) -> i64 {
    micros(kernel::Period::day(from_micros(at)).start)
}

/// A moment as a row keeps it.
pub(crate) fn stored(at: Timestamp) -> Timestamp {
    from_micros(micros(at))
}

/// A question with parameters.
pub(crate) async fn select(
    db: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await
}

/// A change with parameters; how many rows it moved.
pub(crate) async fn run(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// The condition that a column is among the [`ids`] of parameter `number`.
pub(crate) fn among(backend: DbBackend, column: &str, number: u8) -> String {
    match backend {
        DbBackend::Postgres => format!("{column} = ANY(${number})"),
        _ => format!("{column} IN (SELECT unhex(value) FROM json_each(${number}))"),
    }
}

/// Any number of ids as one parameter, so that the statement is the same for all of them.
pub(crate) fn ids<'a>(backend: DbBackend, ids: impl IntoIterator<Item = &'a Uuid>) -> Value {
    match backend {
        DbBackend::Postgres => ids.into_iter().copied().collect::<Vec<_>>().into(),
        _ => ids.into_iter().map(|id| id.simple().to_string()).collect::<serde_json::Value>().to_string().into(),
    }
}

/// What the rows of these counters say, by their place in `keys`; one without a row is not among them.
pub(crate) async fn counters(db: &impl ConnectionTrait, keys: &[CounterKey]) -> Result<Vec<(usize, Line)>, Failure> {
    let rows = match db.get_database_backend() {
        DbBackend::Postgres => postgres::counters(db, keys).await?,
        _ => sqlite::counters(db, keys).await?,
    };
    let line = |row: &QueryResult| -> Result<(usize, Line), Failure> {
        Ok((place(row)?, Line::new(row.try_get_by_index(1)?, row.try_get_by_index(2)?)))
    };
    rows.iter().map(line).collect()
}

/// The fingerprints of the events of these names that are in the ledger, by their place in `names`.
pub(crate) async fn known(db: &impl ConnectionTrait, names: &[(Uuid, &str)]) -> Result<Vec<(usize, Vec<u8>)>, Failure> {
    let rows = match db.get_database_backend() {
        DbBackend::Postgres => postgres::known(db, names).await?,
        _ => sqlite::known(db, names).await?,
    };
    rows.iter().map(|row| Ok((place(row)?, row.try_get_by_index(1)?))).collect()
}

fn place(row: &QueryResult) -> Result<usize, Failure> {
    let place = usize::try_from(row.try_get_by_index::<i64>(0)?);
    Ok(place.ok().ok_or_else(|| bad_column("place"))?)
}

/// Writes what happened and what the counters say now. The organizations are locked.
pub(crate) async fn write(
    tx: &impl ConnectionTrait,
    changes: &Changes,
    lines: &[(CounterKey, Line)],
) -> Result<(), Failure> {
    let written = match tx.get_database_backend() {
        DbBackend::Postgres => postgres::write(tx, changes, lines).await?,
        _ => sqlite::write(tx, changes, lines).await?,
    };
    if usize::try_from(written).is_ok_and(|written| written == changes.events.len()) {
        return Ok(());
    }
    // One of these names is in the ledger: everything is read again.
    Err(Failure::Outdated)
}

/// Reads a sum that was made in two parts, since the whole could be beyond what a column holds: billions, and the rest.
pub(crate) fn whole(row: &QueryResult, from: usize) -> Result<i128, DbErr> {
    let (billions, rest) = (row.try_get_by_index::<i64>(from)?, row.try_get_by_index::<i64>(from + 1)?);
    Ok(i128::from(billions) * 1_000_000_000 + i128::from(rest))
}

/// The two columns that [`whole`] reads.
pub(crate) const WHOLE_QUANTITY: &str =
    "CAST(SUM(quantity / 1000000000) AS BIGINT), CAST(SUM(quantity % 1000000000) AS BIGINT)";

/// The midnight before a row's `occurred_at`.
pub(crate) const DAY_OF_ROW: &str = "occurred_at - ((occurred_at % 86400000000) + 86400000000) % 86400000000";

/// A sum that must fit a column.
pub(crate) fn fitting(sum: i128) -> Result<i64, StoreError> {
    i64::try_from(sum).map_err(StoreError::broken)
}
