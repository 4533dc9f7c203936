use std::sync::Arc;
use std::time::Duration;

use kernel::StoreError;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, SqlxPostgresConnector, SqlxSqliteConnector};

use crate::auth::api_keys::{RecentKeys, RecentStates};
use crate::auth::standings::RecentStandings;
use crate::byok::keys::RecentProviderKeys;
use crate::error::{OpenError, fault, is_locked};
use crate::plan::{catalogue::RecentCatalogue, subscriptions::RecentSubscriptions};
use crate::recent::Moving;
use crate::schema;

/// How a database is used. The defaults suit a server that would rather say "not now" than keep its callers waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// The most connections (with SQLite: of readers; there is one writer).
    pub max_connections: u32,
    /// The longest wait for a connection, a new one included.
    pub acquire_timeout: Duration,
    /// The longest that one use of the database may take, waiting included; then it is unavailable.
    pub deadline: Duration,
    /// PostgreSQL: the longest statement.
    pub statement_timeout: Duration,
    /// PostgreSQL: the longest wait for a lock.
    pub lock_timeout: Duration,
}

impl Default for DatabaseOptions {
    /// Ten connections; 2 s for a connection, 3 s for an answer, 5 s for a statement, 3 s for a lock.
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(2),
            deadline: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(3),
        }
    }
}

/// A database: SQLite or PostgreSQL. Clones share its connections.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    deadline: Duration,
    recent: RecentAnswers,
}

/// What may be a second old.
#[derive(Default)]
struct RecentAnswers {
    standings: RecentStandings,
    catalogue: RecentCatalogue,
    subscriptions: RecentSubscriptions,
    api_keys: RecentKeys,
    states: RecentStates,
    provider_keys: RecentProviderKeys,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("backend", &self.backend()).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the database at `sqlite:PATH` (made if it is not there) or `postgres://…`. It may still have to be migrated.
    pub async fn connect(url: &str, options: &DatabaseOptions) -> Result<Self, OpenError> {
        let (reader, writer) = if url.starts_with("sqlite:") {
            open_sqlite(url, options).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = open_postgres(url, options).await?;
            (pool.clone(), pool)
        } else {
            return Err(OpenError::UnknownScheme);
        };
        Ok(Self(Arc::new(Inner { reader, writer, deadline: options.deadline, recent: RecentAnswers::default() })))
    }

    /// Takes every step of the schema that was not taken yet. Any number of processes may do so at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(self.writer()).await.map_err(fault)
    }

    /// The names of the steps that were not taken yet.
    pub async fn pending(&self) -> Result<Vec<String>, StoreError> {
        self.ask(schema::pending(self.reader())).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.ask(async { self.reader().execute_unprepared("SELECT 1").await.map(drop) }).await
    }

    /// Closes all connections. SQLite then holds everything in its one file.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.reader().close_by_ref().await.map_err(fault)?;
        self.writer().close_by_ref().await.map_err(fault)
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.0.writer
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.0.writer.get_database_backend()
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.0.deadline
    }

    pub(crate) fn standings(&self) -> &RecentStandings {
        &self.0.recent.standings
    }

    pub(crate) fn catalogue(&self) -> &RecentCatalogue {
        &self.0.recent.catalogue
    }

    pub(crate) fn subscriptions(&self) -> &RecentSubscriptions {
        &self.0.recent.subscriptions
    }

    pub(crate) fn api_keys(&self) -> &RecentKeys {
        &self.0.recent.api_keys
    }

    pub(crate) fn states(&self) -> &RecentStates {
        &self.0.recent.states
    }

    pub(crate) fn provider_keys(&self) -> &RecentProviderKeys {
        &self.0.recent.provider_keys
    }

    /// To be held over a change of an organization's status.
    pub(crate) fn moving_org(&self) -> [Moving<'_>; 3] {
        [self.moving_standings(), self.subscriptions().moving(), self.states().moving()]
    }
}

/// How long to leave a file alone that another program has locked.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// A pool of readers and one writer: within a process nobody ever finds the file locked. One in memory has one connection.
async fn open_sqlite(
    url: &str,
    options: &DatabaseOptions,
) -> Result<(DatabaseConnection, DatabaseConnection), OpenError> {
    let file = url.parse::<SqliteConnectOptions>().ok().ok_or(OpenError::BadUrl)?;
    let file = file
        .create_if_missing(true)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging();
    let pool = |connections: u32| {
        SqlitePoolOptions::new().max_connections(connections).acquire_timeout(options.acquire_timeout)
    };
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    // A connection in memory must live as long as the pool: with it goes the database.
    let lifetime = |pool: SqlitePoolOptions| if in_memory { pool.idle_timeout(None).max_lifetime(None) } else { pool };
    let writer: SqlitePool = lifetime(pool(1)).connect_with(file.clone()).await?;
    let writer = SqlxSqliteConnector::from_sqlx_sqlite_pool(writer);
    schema::check(&writer).await?;
    if in_memory {
        return Ok((writer.clone(), writer));
    }
    write_ahead(&writer, options.acquire_timeout).await?;
    let reader = pool(options.max_connections.max(1)).connect_lazy_with(file.pragma("query_only", "ON"));
    Ok((SqlxSqliteConnector::from_sqlx_sqlite_pool(reader), writer))
}

/// Turns write-ahead logging on. It is kept in the file, so once is enough; not before the file is known to be ours. Another instance
/// that does the same locks the file for a moment, and SQLite's own busy timeout is not asked about this lock.
async fn write_ahead(writer: &DatabaseConnection, patience: Duration) -> Result<(), OpenError> {
    let insist = async {
        loop {
            match writer.execute_unprepared("PRAGMA journal_mode = WAL").await {
                Err(err) if is_locked(&err) => tokio::time::sleep(BETWEEN_TRIES).await,
                ended => return ended.map(drop),
            }
        }
    };
    let late = || OpenError::Unreachable("another program keeps the database file locked".to_owned());
    Ok(tokio::time::timeout(patience, insist).await.ok().ok_or_else(late)??)
}

async fn open_postgres(url: &str, options: &DatabaseOptions) -> Result<DatabaseConnection, OpenError> {
    let server = url.parse::<PgConnectOptions>().ok().ok_or(OpenError::BadUrl)?;
    let server = server
        .application_name("ops-center")
        .options([
            ("statement_timeout", options.statement_timeout.as_millis().to_string()),
            ("lock_timeout", options.lock_timeout.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", "10000".to_owned()),
        ])
        .disable_statement_logging();
    // One connection by itself first: a pool would only say that it waited.
    let first = tokio::time::timeout(options.acquire_timeout, PgConnection::connect_with(&server)).await;
    let first = first.ok().ok_or_else(|| OpenError::Unreachable("no answer in time".to_owned()))??;
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, seen| {
            Box::pin(async move {
                if seen.idle_for > Duration::from_secs(1) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        // A connection whose server hangs must not keep its place in the pool for ever.
        .after_release(|connection, _| {
            Box::pin(async move {
                let alive = tokio::time::timeout(Duration::from_secs(1), connection.ping()).await;
                alive.ok().ok_or(sqlx::Error::PoolTimedOut)?.map(|()| true)
            })
        })
        .connect_lazy_with(server);
    let pool = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    schema::check(&pool).await?;
    Ok(pool)
}
