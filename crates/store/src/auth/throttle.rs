use async_trait::async_trait;
use auth_core::{Attempt, Throttle, ThrottleRule};
use kernel::{StoreError, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement, sea_query};

use crate::connection::Database;
use crate::entity::throttle::{Column, Entity};
use crate::transaction::{Step::Commit, Tx};
use crate::value::{duration, length, micros, without_zero};

/// How long a doubled wait is remembered after it ended, in microseconds: a day.
const MEMORY: i64 = 24 * 60 * 60 * 1_000_000;
/// How far the clocks of two honest processes may be apart, in microseconds: ten minutes.
const SKEW: i64 = 10 * 60 * 1_000_000;

/// GCRA: `next_at` is the theoretical arrival time. $2 now, $3 period, $4 the latest arrival time that is still admitted.
const STEADY: &str = "INSERT INTO throttle (key, next_at, wait, stale_at) VALUES ($1, $2 + $3, 0, $2 + $3) \
     ON CONFLICT (key) DO UPDATE SET \
     next_at = (CASE WHEN throttle.next_at > $2 THEN throttle.next_at ELSE $2 END) + $3, \
     stale_at = (CASE WHEN throttle.next_at > $2 THEN throttle.next_at ELSE $2 END) + $3 \
     WHERE throttle.next_at <= $4";

/// Each attempt doubles the wait. $2 now, $3 the first wait, $4 the longest, $5 how long to remember.
const DOUBLING: &str = "INSERT INTO throttle (key, next_at, wait, stale_at) VALUES ($1, $2 + $3, $3, $2 + $3 + $5) \
     ON CONFLICT (key) DO UPDATE SET \
     wait = (CASE WHEN throttle.wait * 2 > $4 THEN $4 WHEN throttle.wait * 2 < $3 THEN $3 ELSE throttle.wait * 2 END), \
     next_at = $2 + (CASE WHEN throttle.wait * 2 > $4 THEN $4 WHEN throttle.wait * 2 < $3 THEN $3 ELSE throttle.wait * 2 END), \
     stale_at = $2 + $4 + $5 \
     WHERE throttle.next_at <= $2";

/// A rule in microseconds, bounded so that sums fit.
enum Rule {
    Steady { period: i64, tolerance: i64 },
    Doubling { first: i64, longest: i64 },
}

impl Rule {
    /// A hundred years, in microseconds: longer than anybody waits.
    const LONGEST: i64 = 3_155_760_000_000_000;

    fn new(rule: ThrottleRule) -> Self {
        match rule {
            ThrottleRule::Steady { burst, period } => {
                let period = length(period).min(Self::LONGEST);
                let tolerance = period.saturating_mul(i64::from(burst.max(1)) - 1).min(Self::LONGEST);
                Self::Steady { period, tolerance }
            }
            ThrottleRule::Doubling { first, longest } => {
                let longest = length(longest).min(Self::LONGEST);
                Self::Doubling { first: length(first).min(longest), longest }
            }
        }
    }

    /// The two kinds count apart, even under one name.
    fn row_key(&self, key: &str) -> String {
        match self {
            Self::Steady { .. } => format!("steady:{}", without_zero(key)),
            Self::Doubling { .. } => format!("doubling:{}", without_zero(key)),
        }
    }

    fn count(&self, backend: DbBackend, key: &str, now: i64) -> Statement {
        match *self {
            Self::Steady { period, tolerance } => {
                let values = [key.into(), now.into(), period.into(), now.saturating_add(tolerance).into()];
                Statement::from_sql_and_values(backend, STEADY, values)
            }
            Self::Doubling { first, longest } => {
                let values = [key.into(), now.into(), first.into(), longest.into(), MEMORY.into()];
                Statement::from_sql_and_values(backend, DOUBLING, values)
            }
        }
    }

    /// How far `next_at` can be ahead of an honest clock.
    fn reach(&self) -> i64 {
        match *self {
            Self::Steady { period, tolerance } => tolerance.saturating_add(period),
            Self::Doubling { longest, .. } => longest,
        }
    }

    fn wait(&self, next_at: i64, now: i64) -> i64 {
        let ahead = next_at.saturating_sub(now);
        match *self {
            Self::Steady { tolerance, .. } => ahead.saturating_sub(tolerance),
            Self::Doubling { .. } => ahead,
        }
    }
}

/// Counted attempts in the database.
#[derive(Debug, Clone)]
pub struct SeaThrottle(Database);

impl SeaThrottle {
    /// The counters in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// Forgets the counters that say nothing any more at `now`; how many there were.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let now = micros(now);
        let purge = |tx: Tx| async move {
            let gone = Entity::delete_many().filter(Column::StaleAt.lte(now)).exec(&*tx).await?;
            Ok(Commit(gone.rows_affected))
        };
        self.0.write(purge).await
    }
}

#[async_trait]
impl Throttle for SeaThrottle {
    async fn admit(&self, key: &str, rule: ThrottleRule, now: Timestamp) -> Result<Attempt, StoreError> {
        let rule = &Rule::new(rule);
        let key = &rule.row_key(key);
        let now = micros(now);
        let backend = self.0.backend();
        let admit = |tx: Tx| async move {
            if tx.execute_raw(rule.count(backend, key, now)).await?.rows_affected() == 1 {
                return Ok(Commit(Attempt::Admitted));
            }
            // The refused statement holds the row, so it is still there.
            let row = Entity::by_key(key).one(&*tx).await?.ok_or_else(|| StoreError::broken("a counter vanished"))?;
            // A clock that was set back by much must not make anybody wait for as long.
            let furthest = now.saturating_add(rule.reach());
            let next_at = if row.next_at > furthest.saturating_add(SKEW) { furthest } else { row.next_at };
            if next_at < row.next_at {
                let earlier = Entity::update_many().col_expr(Column::NextAt, Expr::value(next_at));
                earlier.filter(Column::Key.eq(key.as_str())).exec(&*tx).await?;
            }
            Ok(Commit(Attempt::Wait(duration(rule.wait(next_at, now)))))
        };
        self.0.write(admit).await
    }

    async fn forgive(&self, key: &str, rule: ThrottleRule) -> Result<(), StoreError> {
        let rule = &Rule::new(rule);
        let key = &rule.row_key(key);
        let forgive = |tx: Tx| async move {
            let this = Column::Key.eq(key.as_str());
            match *rule {
                Rule::Steady { period, .. } => {
                    let earlier = sea_query::ExprTrait::sub(Expr::col(Column::NextAt), period);
                    Entity::update_many().col_expr(Column::NextAt, earlier).filter(this).exec(&*tx).await?;
                }
                Rule::Doubling { .. } => {
                    Entity::delete_many().filter(this).exec(&*tx).await?;
                }
            }
            Ok(Commit(()))
        };
        self.0.write(forgive).await
    }
}
