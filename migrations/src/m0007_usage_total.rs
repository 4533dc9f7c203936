//! What an organization used of each service on each day, whoever used it: history that does not grow with the users.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, uuid};

use crate::m0006_usage::bytewise;
use crate::{drop_all, index, key};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The sums of what is there.
const FILL: &str = "INSERT INTO usage_total (org_id, day, service, events, quantity) \
     SELECT org_id, day, service, CAST(SUM(events) AS BIGINT), CAST(SUM(quantity) AS BIGINT) FROM usage_day \
     GROUP BY org_id, day, service";

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("usage_total")
            .col(uuid("org_id"))
            .col(big_integer("day"))
            .col(bytewise(manager, "service"))
            .col(big_integer("events"))
            .col(big_integer("quantity"))
            .primary_key(&mut key(&["org_id", "day", "service"]))
            .to_owned();
        manager.create_table(table).await?;
        manager.get_connection().execute_unprepared(FILL).await?;
        by_time(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["usage_total"]).await
    }
}

/// The index by time can be used by questions that say `recorded_at > 0`, and by no others: of a table without statistics PostgreSQL
/// takes it for as good as the key, and looks through an organization's whole ledger for each name.
async fn by_time(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let name = "usage_event_recorded";
    manager.drop_index(Index::drop().name(name).table("usage_event").to_owned()).await?;
    let by_time = index("usage_event", name, &["org_id", "recorded_at", "event_id"])
        .cond_where(Expr::col("recorded_at").gt(0))
        .to_owned();
    manager.create_index(by_time).await
}
