//! What is in the database, read beside the server.

use std::fs;
use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement};
use secrecy::ExposeSecret;
use testkit::TestApp;

/// A connection to the app's database beside its own.
pub(crate) async fn beside(app: &TestApp) -> DatabaseConnection {
    let url = app.config.database.url.as_ref().map(|url| url.expose_secret().to_owned());
    open(&app.data_dir(), url.as_deref()).await
}

/// A connection to this PostgreSQL database, or to the SQLite file of this data folder.
pub(crate) async fn open(data: &Path, postgres: Option<&str>) -> DatabaseConnection {
    let file = || format!("sqlite:{}", data.join("ops-center.db").display());
    let url = postgres.map_or_else(file, str::to_owned);
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("the database")
}

/// What a query finds.
pub(crate) async fn rows(connection: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// What the trail says was done: who by (`user`, `service`, `system`), to which resource, and the details as JSON.
pub(crate) async fn trail(app: &TestApp, action: &str) -> Vec<[String; 3]> {
    let connection = beside(app).await;
    let sql =
        format!("SELECT actor_type, resource_id, metadata FROM audit_record WHERE action = '{action}' ORDER BY at, id");
    let text = |row: &QueryResult, column: usize| row.try_get_by_index::<String>(column).expect("a text");
    let found = rows(&connection, &sql).await.iter().map(|row| [text(row, 0), text(row, 1), text(row, 2)]).collect();
    connection.close().await.expect("no connection");
    found
}

/// Everything that the app keeps outside Redis: every row of its PostgreSQL database, every byte of its data folder.
pub(crate) async fn everything(app: &TestApp) -> Vec<u8> {
    let url = app.config.database.url.as_ref().map(|url| url.expose_secret().to_owned());
    kept(&app.data_dir(), url.as_deref()).await
}

/// The same of a data folder and a PostgreSQL database, if there is one.
pub(crate) async fn kept(data: &Path, postgres: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    files(data, &mut all);
    if postgres.is_some() {
        let connection = open(data, postgres).await;
        let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        for table in rows(&connection, tables).await {
            let table: String = table.try_get_by_index(0).expect("a name");
            for row in rows(&connection, &format!("SELECT t::text FROM \"{table}\" t")).await {
                all.extend(row.try_get_by_index::<String>(0).expect("a row").into_bytes());
                all.push(b'\n');
            }
        }
        connection.close().await.expect("no connection");
    }
    all
}

fn files(folder: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, all);
        } else {
            all.extend(fs::read(&path).expect("a file"));
        }
    }
}
