use std::fmt;

/// What a test app stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// SQLite alone.
    Sqlite,
    /// SQLite, sessions in Redis.
    SqliteRedis,
    /// PostgreSQL alone.
    Postgres,
    /// PostgreSQL, sessions in Redis.
    PostgresRedis,
}

impl Backend {
    /// Every backend.
    pub const ALL: [Self; 4] = [Self::Sqlite, Self::SqliteRedis, Self::Postgres, Self::PostgresRedis];

    pub(crate) const fn of(postgres: bool, redis: bool) -> Self {
        match (postgres, redis) {
            (false, false) => Self::Sqlite,
            (false, true) => Self::SqliteRedis,
            (true, false) => Self::Postgres,
            (true, true) => Self::PostgresRedis,
        }
    }

    /// Whether it stands on PostgreSQL.
    pub const fn has_postgres(self) -> bool {
        matches!(self, Self::Postgres | Self::PostgresRedis)
    }

    /// Whether sessions are in Redis.
    pub const fn has_redis(self) -> bool {
        matches!(self, Self::SqliteRedis | Self::PostgresRedis)
    }

    /// Whether its servers are named; if not, it says so, and fails under CI.
    pub fn is_there(self) -> bool {
        let needed = [(self.has_postgres(), POSTGRES), (self.has_redis(), REDIS)];
        let missing = needed.into_iter().find(|(needed, name)| *needed && variable(name).is_none());
        let Some((_, name)) = missing else { return true };
        assert!(variable("CI").is_none(), "{self}: {name} must name a server under CI; scripts/test starts one");
        eprintln!("skipped on {self}: {name} names no server; scripts/test starts one");
        false
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::SqliteRedis => "SQLite with Redis",
            Self::Postgres => "PostgreSQL",
            Self::PostgresRedis => "PostgreSQL with Redis",
        })
    }
}

const POSTGRES: &str = "OPS_CENTER_TEST_POSTGRES";
const REDIS: &str = "OPS_CENTER_TEST_REDIS";

/// The URL of the PostgreSQL server for tests.
pub(crate) fn postgres_url() -> String {
    variable(POSTGRES).unwrap_or_else(|| panic!("{POSTGRES} names no server; scripts/test starts one"))
}

/// The URL of the Redis server for tests.
pub fn redis_url() -> String {
    variable(REDIS).unwrap_or_else(|| panic!("{REDIS} names no server; scripts/test starts one"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the servers are is a matter of the machine, not of a configuration"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
