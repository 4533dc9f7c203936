//! The schema of Ops Center, step by step, for SQLite and PostgreSQL alike.
//!
//! A step that was released is never edited: a change is a new module at the end of [`Migrator::migrations`]. Every step keeps
//! the previous release working: columns are added before they are needed and dropped a release after nobody reads them.
mod m0001_account;
mod m0002_organization;
mod m0003_session;
mod m0004_audit;
mod m0005_plan;
mod m0006_usage;
mod m0007_usage_total;
mod m0008_byok;
mod m0009_billing;

use async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub use sea_orm_migration::MigratorTrait;

/// The table that remembers which steps were taken. Its name tells our databases from everybody else's.
pub const MIGRATION_TABLE: &str = "ops_center_migration";

/// All steps, the oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

impl Migrator {
    /// The names of all steps, the oldest first.
    pub fn names() -> Vec<String> {
        <Self as MigratorTrait>::migrations().iter().map(|step| step.name().to_owned()).collect()
    }
}

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_account::Migration),
            Box::new(m0002_organization::Migration),
            Box::new(m0003_session::Migration),
            Box::new(m0004_audit::Migration),
            Box::new(m0005_plan::Migration),
            Box::new(m0006_usage::Migration),
            Box::new(m0007_usage_total::Migration),
            Box::new(m0008_byok::Migration),
            Box::new(m0009_billing::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        MIGRATION_TABLE.into_iden()
    }
}

/// A secondary index on columns in this order.
pub(crate) fn index(table: &'static str, name: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// A table's primary key of several columns.
pub(crate) fn key(columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    for column in columns {
        index.col(*column);
    }
    index
}

/// `column` names a row of `table` by its `id`.
pub(crate) fn reference(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from_col(column).to_tbl(table).to_col("id");
    key
}

/// Drops tables, the last made first.
pub(crate) async fn drop_all(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
