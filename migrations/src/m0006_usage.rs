//! Metering: the ledger, and what is derived from it. Times are microseconds since 1970: a period is a number that is compared and
//! grouped by. The keys of what belongs to an organization begin with it.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, blob, pk_uuid, text, text_null, uuid, uuid_null};
use sea_orm_migration::sea_orm::DbBackend;

use crate::{drop_all, index, key, reference};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts(manager).await?;
        events(manager).await?;
        counters(manager).await?;
        days(manager).await?;
        reservations(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["usage_reservation", "usage_day", "usage_counter", "usage_event", "usage_account"]).await
    }
}

/// A text that is compared byte by byte, which is also faster than by the rules of a language.
pub(crate) fn bytewise(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    match manager.get_database_backend() {
        DbBackend::Postgres => ColumnDef::new(name).custom("text COLLATE \"C\"").not_null().to_owned(),
        _ => text(name),
    }
}

/// One row for each metered organization, and nothing in it: on PostgreSQL, whoever changes the organization's ledger or what is derived
/// from it holds this row.
async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("usage_account")
        .col(pk_uuid("org_id"))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await
}

/// `month_start` is the month in which the entry was counted: the organization's months may since be counted from another day.
async fn events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("usage_event")
        .col(uuid("org_id"))
        .col(bytewise(manager, "event_id"))
        .col(text("kind"))
        .col(uuid_null("user_id"))
        .col(text_null("service"))
        .col(text_null("action"))
        .col(big_integer("quantity"))
        .col(big_integer("occurred_at"))
        .col(big_integer("recorded_at"))
        .col(big_integer("month_start"))
        .col(blob("fingerprint"))
        .col(text_null("metadata"))
        .primary_key(&mut key(&["org_id", "event_id"]))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("usage_event", "usage_event_recorded", &["org_id", "recorded_at", "event_id"])).await
}

/// `subject` is empty for the organization, else the user's UUID; `span` is `month` or `day`.
async fn counters(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("usage_counter")
        .col(uuid("org_id"))
        .col(bytewise(manager, "subject"))
        .col(bytewise(manager, "span"))
        .col(big_integer("period_start"))
        .col(big_integer("used"))
        .col(big_integer("reserved"))
        .primary_key(&mut key(&["org_id", "subject", "span", "period_start"]))
        .to_owned();
    manager.create_table(table).await
}

/// `day` is its midnight; `user_id` is the nil UUID for calls that no person made.
async fn days(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("usage_day")
        .col(uuid("org_id"))
        .col(big_integer("day"))
        .col(bytewise(manager, "service"))
        .col(uuid("user_id"))
        .col(big_integer("events"))
        .col(big_integer("quantity"))
        .primary_key(&mut key(&["org_id", "day", "service", "user_id"]))
        .to_owned();
    manager.create_table(table).await
}

/// Only open reservations are searched for, by the time that they run out.
async fn reservations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("usage_reservation")
        .col(uuid("org_id"))
        .col(uuid("id"))
        .col(uuid_null("user_id"))
        .col(text("service"))
        .col(big_integer("quantity"))
        .col(text("state"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("settled_quantity"))
        .col(big_integer("month_start"))
        .col(big_integer("day_start"))
        .primary_key(&mut key(&["org_id", "id"]))
        .to_owned();
    manager.create_table(table).await?;
    let open = |name, columns: &[&'static str]| {
        index("usage_reservation", name, columns).cond_where(Expr::col("state").eq("open")).to_owned()
    };
    manager.create_index(open("usage_reservation_overdue", &["expires_at"])).await?;
    manager.create_index(open("usage_reservation_of_org", &["org_id", "expires_at"])).await
}
