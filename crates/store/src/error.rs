use std::borrow::Cow;

use kernel::StoreError;
use sea_orm::sqlx::{self, error::DatabaseError};
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Why a database cannot be used. No message holds the URL or its password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither of the two databases.
    #[error("the database URL must begin with sqlite: or postgres://")]
    UnknownScheme,
    /// The URL has the right beginning only.
    #[error("the database URL cannot be read")]
    BadUrl,
    /// Nobody answers; trying again later may help.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Somebody else's tables.
    #[error("the database holds tables that are not Ops Center's; give it a database of its own")]
    Foreign,
    /// A step that this version does not know was taken.
    #[error("the database was migrated by a newer version of Ops Center (to {0}); start that version")]
    Newer(String),
    /// The database answered, but not as it must.
    #[error("the database cannot be used: {0}")]
    Broken(String),
}

impl From<DbErr> for OpenError {
    fn from(err: DbErr) -> Self {
        if is_outage(&err) { Self::Unreachable(err.to_string()) } else { Self::Broken(err.to_string()) }
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(err: sqlx::Error) -> Self {
        if outage(&err) { Self::Unreachable(err.to_string()) } else { Self::Broken(err.to_string()) }
    }
}

/// A column whose text cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("column {0} holds an invalid value")]
struct BadColumn(&'static str);

/// The row is wrong in this column.
pub(crate) fn bad_column(name: &'static str) -> StoreError {
    StoreError::broken(BadColumn(name))
}

/// How a change ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database refused.
    Db(DbErr),
    /// Something else refused.
    Store(StoreError),
    /// What was to be locked changed meanwhile: begin again.
    Outdated,
}

impl From<DbErr> for Failure {
    fn from(err: DbErr) -> Self {
        Self::Db(err)
    }
}

impl From<StoreError> for Failure {
    fn from(err: StoreError) -> Self {
        Self::Store(err)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Db(err) => fault(err),
            Failure::Store(err) => err,
            Failure::Outdated => Self::unavailable("too many changes at once"),
        }
    }
}

/// Sorts a database's error: an outage, or a defect.
pub(crate) fn fault(err: DbErr) -> StoreError {
    if is_outage(&err) { StoreError::unavailable(err) } else { StoreError::broken(err) }
}

/// Which column a unique index refused, if one did and it is among these.
pub(crate) fn violated(err: &DbErr, columns: &[&'static str]) -> Option<&'static str> {
    match err.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(message)) => {
            columns.iter().copied().find(|column| message.contains(column))
        }
        _ => None,
    }
}

/// Whether two transactions stood in each other's way and this one may simply begin again (PostgreSQL 40001, 40P01).
pub(crate) fn is_conflict(err: &DbErr) -> bool {
    matches!(code(err).as_deref(), Some("40001" | "40P01"))
}

/// Whether the wait for a lock took too long (PostgreSQL 55P03). The transaction is over.
pub(crate) fn is_held(err: &DbErr) -> bool {
    code(err).as_deref() == Some("55P03")
}

/// Whether another program has the SQLite file locked (`SQLITE_BUSY` and its extended codes).
pub(crate) fn is_locked(err: &DbErr) -> bool {
    code(err).and_then(|code| code.parse::<u32>().ok()).is_some_and(|number| number & 0xff == 5)
}

fn is_outage(err: &DbErr) -> bool {
    match err {
        // Whatever keeps us from connecting: nobody there, a wrong door, no database of that name any more.
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => outage(cause),
        _ => false,
    }
}

fn code(err: &DbErr) -> Option<String> {
    match err {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            cause.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned)
        }
        _ => None,
    }
}

fn outage(err: &sqlx::Error) -> bool {
    match err {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| outage_code(&code)),
        _ => false,
    }
}

/// PostgreSQL's codes have five characters (appendix A of its manual); SQLite's are numbers whose lowest byte is the kind
/// (<https://sqlite.org/rescode.html>): BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN.
fn outage_code(code: &str) -> bool {
    if code.len() == 5 {
        let class = ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class));
        // Besides whole classes: lock not available, idle in transaction, read-only after a fail-over.
        return class || matches!(code, "55P03" | "25P03" | "25006");
    }
    code.parse::<u32>().is_ok_and(|number| matches!(number & 0xff, 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_are_told_from_defects() {
        for code in [
            "08006", "40P01", "53300", "57014", "57P01", "58030", "55P03", "5", "517", "6", "13", "10", "1034", "8",
            "14",
        ] {
            assert!(outage_code(code), "{code}");
        }
        for code in ["23505", "22P02", "42P01", "42703", "23503", "2067", "1555", "787", "1", "11", "26"] {
            assert!(!outage_code(code), "{code}");
        }
        assert!(is_outage(&DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::PoolTimedOut.into()))));
        assert!(!is_outage(&DbErr::Type("a number".to_owned())));
    }
}
