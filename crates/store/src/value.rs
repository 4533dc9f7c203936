//! What both databases can keep and compare alike.
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta};
use kernel::{Page, StoreError, Timestamp, TokenHash};
use sea_orm::sea_query::{self, Asterisk, Expr, LikeExpr};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QuerySelect, Select};

use crate::error::bad_column;

/// 0001-01-01 and 9999-12-31T23:59:59.999999, in microseconds since 1970.
const RANGE: (i64, i64) = (-62_135_596_800_000_000, 253_402_300_799_999_999);

/// The nearest time that both databases keep: years 1 to 9999, to the microsecond. (SQLite compares times as text, which is
/// right for years of four digits.)
pub(crate) fn storable(at: Timestamp) -> Timestamp {
    from_micros(at.timestamp_micros()).trunc_subsecs(6)
}

/// Microseconds since 1970, within the years 1 to 9999.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros().clamp(RANGE.0, RANGE.1)
}

/// The time so many microseconds after 1970.
pub(crate) fn from_micros(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros.clamp(RANGE.0, RANGE.1)).unwrap_or_default()
}

/// A duration in microseconds; what is longer than ten thousand years is ten thousand years.
pub(crate) fn length(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(RANGE.1).min(RANGE.1)
}

/// A duration of so many microseconds; a negative one is none.
pub(crate) fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// A time after another.
pub(crate) fn after(at: Timestamp, duration: Duration) -> Timestamp {
    let end = at.checked_add_signed(TimeDelta::microseconds(length(duration)));
    storable(end.unwrap_or(Timestamp::MAX_UTC))
}

/// A hash as a column of bytes.
pub(crate) fn bytes(hash: &TokenHash) -> Vec<u8> {
    hash.as_bytes().to_vec()
}

/// Reads a column back.
pub(crate) fn read<T, E>(column: &'static str, value: Result<T, E>) -> Result<T, StoreError> {
    value.ok().ok_or_else(|| bad_column(column))
}

/// Reads a number of rows back.
pub(crate) fn number(column: &'static str, value: i64) -> Result<u64, StoreError> {
    read(column, u64::try_from(value))
}

/// PostgreSQL keeps no zero byte in a text; a stranger's text must not be able to break a statement.
pub(crate) fn without_zero(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What a search looks through: its parts in lower case, a line each.
pub(crate) fn search_text(parts: &[&str]) -> String {
    parts.join("\n").to_lowercase()
}

/// The pattern of "contains this, whatever the case", in which `%`, `_` and `\` mean themselves.
pub(crate) fn containing(search: &str) -> LikeExpr {
    let mut pattern = String::from("%");
    for c in without_zero(search).to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    LikeExpr::new(pattern).escape('\\')
}

/// How many rows there are.
pub(crate) async fn count<E: EntityTrait>(rows: Select<E>, db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let all = sea_query::ExprTrait::count(Expr::col(Asterisk));
    let counted = rows.select_only().column_as(all, "n").into_tuple::<i64>().one(db).await?;
    Ok(counted.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}

/// This part of the rows.
pub(crate) fn part<Q: QuerySelect>(rows: Q, page: Page) -> Q {
    rows.limit(u64::from(page.limit())).offset(u64::from(page.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stay_within_what_both_databases_keep() {
        assert_eq!(storable(Timestamp::MIN_UTC).to_rfc3339(), "0001-01-01T00:00:00+00:00");
        assert_eq!(storable(Timestamp::MAX_UTC).to_rfc3339(), "9999-12-31T23:59:59.999999+00:00");
        assert_eq!(after(Timestamp::UNIX_EPOCH, Duration::MAX), storable(Timestamp::MAX_UTC));
        assert_eq!(duration(-1), Duration::ZERO);
    }
}
