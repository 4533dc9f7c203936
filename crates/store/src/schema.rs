use std::collections::HashSet;

use migrations::{MIGRATION_TABLE, Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::error::OpenError;

/// Any number that nobody else locks in this database.
const MIGRATION_LOCK: i64 = 0x6f70_735f_6365_6e74;

/// Refuses a database that is somebody else's, or ahead of this version.
pub(crate) async fn check(db: &DatabaseConnection) -> Result<(), OpenError> {
    let tables = tables(db).await?;
    if !tables.is_empty() && !tables.iter().any(|table| table == MIGRATION_TABLE) {
        return Err(OpenError::Foreign);
    }
    let known: HashSet<String> = Migrator::names().into_iter().collect();
    match taken(db, &tables).await?.into_iter().filter(|step| !known.contains(step)).max() {
        Some(step) => Err(OpenError::Newer(step)),
        None => Ok(()),
    }
}

/// The steps not taken yet, the oldest first.
pub(crate) async fn pending(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let taken: HashSet<String> = taken(db, &tables(db).await?).await?.into_iter().collect();
    Ok(Migrator::names().into_iter().filter(|step| !taken.contains(step)).collect())
}

/// Takes all pending steps in one transaction. Others who want the same wait, and then find nothing to do.
pub(crate) async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    let immediate =
        TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let tx = db.begin_with_options(immediate).await?;
    if db.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'").await?;
        let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
        tx.execute_unprepared(&lock).await?;
    }
    Migrator::up(&tx, None).await?;
    tx.commit().await
}

async fn tables(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    };
    names(db, sql.to_owned()).await
}

async fn taken(db: &DatabaseConnection, tables: &[String]) -> Result<Vec<String>, DbErr> {
    if !tables.iter().any(|table| table == MIGRATION_TABLE) {
        return Ok(Vec::new());
    }
    names(db, format!("SELECT version AS name FROM {MIGRATION_TABLE}")).await
}

async fn names(db: &DatabaseConnection, sql: String) -> Result<Vec<String>, DbErr> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.try_get::<String>("", "name")).collect()
}
