//! A database for one app and its siblings, gone with the last of them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Duration;

use kernel::Ambient;
use migrations::Migrator;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use store::DatabaseOptions;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::backend::{Backend, postgres_url};

/// A folder, and a PostgreSQL database if there is one. Both are gone when it is dropped.
#[derive(Debug)]
pub struct Place {
    pub(crate) folder: TempDir,
    database: Option<String>,
}

impl Place {
    /// With the schema in the PostgreSQL database.
    pub(crate) async fn make(backend: Backend) -> Self {
        let template = if backend.has_postgres() { Some(TEMPLATE.get_or_init(template).await.as_str()) } else { None };
        Self::new(backend, template.unwrap_or_default()).await
    }

    /// With nothing in the PostgreSQL database: for a program that is started on it.
    pub async fn empty(backend: Backend) -> Self {
        Self::new(backend, "template0").await
    }

    async fn new(backend: Backend, template: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("ops-center-test.").tempdir().expect("a folder");
        let database = if backend.has_postgres() { Some(create(template).await) } else { None };
        Self { folder, database }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of the PostgreSQL database.
    pub fn postgres(&self) -> Option<String> {
        self.database.as_deref().map(url_of)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(name) = self.database.take() else { return };
        // A thread of its own: this may be dropped inside a runtime, which must not be blocked on itself.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        });
        if dropped.join().is_err() {
            eprintln!("a test database could not be dropped");
        }
    }
}

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A copy of a template.
async fn create(template: &str) -> String {
    let random: String = Ambient::system().random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("ops_center_test_{random}");
    run(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    name
}

/// The migrated template of this schema, made by the first process that needs it.
async fn template() -> String {
    let mut steps = DefaultHasher::new();
    Migrator::names().hash(&mut steps);
    let name = format!("ops_center_template_{:016x}", steps.finish());
    let server = server().await;
    server.execute_unprepared("SELECT pg_advisory_lock(7305799)").await.expect("a lock");
    let there = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
    let there = server.query_one_raw(sea_orm::Statement::from_string(server.get_database_backend(), there)).await;
    if there.expect("the list of databases").is_none() {
        // Under its name only when it is whole.
        let draft = format!("{name}_draft");
        server.execute_unprepared(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await.expect("no draft");
        server.execute_unprepared(&format!("CREATE DATABASE {draft}")).await.expect("a database");
        let database =
            store::Database::connect(&url_of(&draft), &DatabaseOptions::default()).await.expect("a connection");
        database.migrate().await.expect("the schema");
        database.close().await.expect("no connections");
        server.execute_unprepared(&format!("ALTER DATABASE {draft} RENAME TO {name}")).await.expect("a template");
    }
    server.close().await.expect("no connection");
    name
}

async fn run(sql: &str) {
    let server = server().await;
    server.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    server.close().await.expect("no connection");
}

/// One connection to the server: an advisory lock belongs to a connection.
async fn server() -> DatabaseConnection {
    let mut options = ConnectOptions::new(postgres_url());
    options.max_connections(1).acquire_timeout(Duration::from_secs(30)).sqlx_logging(false);
    Database::connect(options).await.expect("the PostgreSQL server for tests")
}

/// The URL of another database of the same server.
fn url_of(name: &str) -> String {
    let url = postgres_url();
    let (place, query) = url.split_once('?').map_or((url.as_str(), None), |(place, query)| (place, Some(query)));
    let start = place.find("://").map_or(0, |scheme| scheme + 3);
    let server = place[start..].find('/').map_or(place, |slash| &place[..start + slash]);
    query.map_or_else(|| format!("{server}/{name}"), |query| format!("{server}/{name}?{query}"))
}
