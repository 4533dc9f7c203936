//! A database of its own for each test.
use std::env::VarError;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use kernel::testing::{KeptRecords, manual_ambient};
use kernel::{Action, Actor, Ambient, Record, RecordId};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use store::{Database, DatabaseOptions};
use tokio::sync::Mutex;

/// A migrated database, a look into it past the adapters, and time and randomness.
pub(crate) struct Fixture {
    pub(crate) db: Database,
    pub(crate) url: String,
    pub(crate) raw: DatabaseConnection,
    pub(crate) ambient: Ambient,
}

/// Patient: a slow machine is no failure.
pub(crate) const PATIENT: DatabaseOptions = DatabaseOptions {
    max_connections: 10,
    acquire_timeout: Duration::from_mins(1),
    deadline: Duration::from_mins(2),
    statement_timeout: Duration::from_mins(1),
    lock_timeout: Duration::from_mins(1),
};

impl Fixture {
    async fn open(url: &str) -> Self {
        let db = Database::connect(url, &PATIENT).await.unwrap();
        db.migrate().await.unwrap();
        Self { db, raw: connect(url).await, url: url.to_owned(), ambient: manual_ambient(1).1 }
    }

    async fn close(self) {
        self.db.close().await.unwrap();
        self.raw.close().await.unwrap();
    }

    /// The same database, as another process has it open.
    pub(crate) async fn second(&self) -> Database {
        Database::connect(&self.url, &PATIENT).await.unwrap()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.raw.get_database_backend() == DbBackend::Postgres
    }

    pub(crate) fn record(&self, action: Action) -> Record {
        Record::new(&self.ambient, &Actor::system(), action, "user", "x")
    }

    /// Runs a statement past the adapters.
    pub(crate) async fn run(&self, sql: &str) {
        self.raw.execute_unprepared(sql).await.unwrap();
    }

    /// One column of text, past the adapters.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        lines(&self.raw, sql).await
    }

    /// No active organization is without an active owner, and the numbers of members that are kept are the counted ones.
    pub(crate) async fn assert_sound(&self) {
        let orphaned = "SELECT o.slug AS line FROM organization o WHERE o.status = 'active' AND NOT EXISTS ( \
             SELECT 1 FROM membership m JOIN app_user u ON u.id = m.user_id \
             WHERE m.org_id = o.id AND m.status = 'active' AND m.role = 'owner' AND u.enabled)";
        assert_eq!(self.lines(orphaned).await, Vec::<String>::new(), "organizations without an active owner");
        let miscounted = "SELECT o.slug AS line FROM organization o WHERE o.member_count <> ( \
             SELECT count(*) FROM membership m WHERE m.org_id = o.id AND m.status = 'active') \
             OR o.active_count <> (SELECT count(*) FROM membership m JOIN app_user u ON u.id = m.user_id \
             WHERE m.org_id = o.id AND m.status = 'active' AND u.enabled)";
        assert_eq!(self.lines(miscounted).await, Vec::<String>::new(), "organizations whose members are miscounted");
    }

    /// From now on the database refuses records.
    pub(crate) async fn refuse_records(&self) {
        self.run(if self.is_postgres() {
            "ALTER TABLE audit_record ADD CONSTRAINT refused CHECK (false) NOT VALID"
        } else {
            "CREATE TRIGGER refused BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'refused'); END"
        })
        .await;
    }

    /// Every row of every table, as text.
    pub(crate) async fn dump(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in [
            "app_user",
            "known_device",
            "user_profile",
            "notification_choice",
            "platform",
            "organization",
            "membership",
            "invitation",
            "session",
            "sign_in_link",
            "throttle",
            "idempotency",
            "plan",
            "service",
            "subscription",
            "api_key",
            "provider_key",
            "master_key",
            "billing_account",
            "billing_subscription",
            "billing_movement",
            "invoice",
            "invoice_series",
            "inbox_event",
            "outbox_task",
            "audit_record",
        ] {
            let line = if self.is_postgres() {
                "t::text".to_owned()
            } else {
                let quoted = format!("SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_info('{table}')");
                self.lines(&quoted).await.join(" || ',' || ")
            };
            let found = self.lines(&format!("SELECT {line} AS line FROM {table} t ORDER BY 1")).await;
            rows.extend(found.into_iter().map(|line| format!("{table}: {line}")));
        }
        rows
    }
}

#[async_trait]
impl KeptRecords for Fixture {
    async fn kept(&self, record: RecordId) -> bool {
        let sql = "SELECT 'kept' AS line FROM audit_record WHERE id = $1";
        let values = [record.uuid().into()];
        let found = Statement::from_sql_and_values(self.raw.get_database_backend(), sql, values);
        self.raw.query_one_raw(found).await.unwrap().is_some()
    }
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).max_connections(2).acquire_timeout(Duration::from_mins(1));
    sea_orm::Database::connect(options).await.unwrap()
}

async fn lines(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}

/// Runs a test on each database that there is, each time on one of its own.
pub(crate) async fn on_each(test: impl AsyncFn(&Fixture)) {
    let folder = tempfile::tempdir().unwrap();
    let file = Fixture::open(&sqlite_url(&folder, "own.db")).await;
    test(&file).await;
    file.close().await;
    on_postgres(test).await;
}

/// Runs a test on PostgreSQL, if there is one.
pub(crate) async fn on_postgres(test: impl AsyncFn(&Fixture)) {
    let Some(server) = Server::given() else { return };
    let name = server.create(Some(&server.template().await)).await;
    let fixture = Fixture::open(&server.url(&name)).await;
    let ended = AssertUnwindSafe(test(&fixture)).catch_unwind().await;
    fixture.close().await;
    server.drop(&name).await;
    ended.unwrap_or_else(|panic| resume_unwind(panic));
}

/// The URL of a file in a folder.
pub(crate) fn sqlite_url(folder: &tempfile::TempDir, file: &str) -> String {
    format!("sqlite:{}", folder.path().join(file).display())
}

/// A PostgreSQL server for tests.
pub(crate) struct Server(String);

impl Server {
    /// The one that the environment names. In CI there must be one.
    #[expect(clippy::disallowed_methods, reason = "where the test rig says which server there is")]
    pub(crate) fn given() -> Option<Self> {
        match std::env::var("OPS_CENTER_TEST_POSTGRES") {
            Ok(url) => Some(Self(url)),
            Err(VarError::NotPresent) if std::env::var_os("CI").is_some() => {
                panic!("CI must set OPS_CENTER_TEST_POSTGRES")
            }
            Err(VarError::NotUnicode(url)) => panic!("not a URL: {}", url.display()),
            Err(VarError::NotPresent) => {
                println!("PostgreSQL is skipped: OPS_CENTER_TEST_POSTGRES is not set");
                None
            }
        }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let server = self.0.rsplit_once('/').unwrap().0;
        format!("{server}/{database}")
    }

    /// A new database of this process.
    pub(crate) async fn create(&self, template: Option<&str>) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        /// One copy at a time: a template must not be in use.
        static COPYING: Mutex<()> = Mutex::const_new(());
        let name = format!("ops_store_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let copying = COPYING.lock().await;
        self.run(&format!("DROP DATABASE IF EXISTS {name}")).await;
        let from = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
        self.run(&format!("CREATE DATABASE {name}{from}")).await;
        drop(copying);
        name
    }

    pub(crate) async fn drop(&self, name: &str) {
        self.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }

    /// The migrated database that others are copied from, made once in a process.
    async fn template(&self) -> String {
        static TEMPLATE: Mutex<Option<String>> = Mutex::const_new(None);
        let mut template = TEMPLATE.lock().await;
        if template.is_none() {
            let name = self.create(None).await;
            Fixture::open(&self.url(&name)).await.close().await;
            *template = Some(name);
        }
        template.clone().unwrap()
    }

    async fn run(&self, sql: &str) {
        let db = connect(&self.0).await;
        db.execute_unprepared(sql).await.unwrap();
        db.close().await.unwrap();
    }
}
