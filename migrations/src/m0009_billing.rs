//! Money: what organizations pay for, the books, invoices, what providers sent and what they are asked to do. Amounts are in minor units
//! of the currency beside them.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, boolean, pk_uuid, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::m0006_usage::bytewise;
use crate::{drop_all, index, key, reference};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts(manager).await?;
        subscriptions(manager).await?;
        movements(manager).await?;
        invoices(manager).await?;
        series(manager).await?;
        inbox(manager).await?;
        outbox(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "outbox_task",
            "inbox_event",
            "invoice_series",
            "invoice",
            "billing_movement",
            "billing_subscription",
            "billing_account",
        ];
        drop_all(manager, &tables).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION billing_movement_refuse()").await?;
        }
        Ok(())
    }
}

/// `version` is what an account is changed by; `next_at` is when time alone changes something.
async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("billing_account")
        .col(pk_uuid("org_id"))
        .col(text("provider"))
        .col(text_null("customer"))
        .col(text_null("access"))
        .col(timestamp_with_time_zone_null("synced_at"))
        .col(timestamp_with_time_zone_null("next_at"))
        .col(big_integer("version"))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await?;
    let customer = index("billing_account", "billing_account_customer", &["provider", "customer"]).unique().to_owned();
    manager.create_index(customer).await?;
    manager.create_index(index("billing_account", "billing_account_next", &["next_at", "org_id"])).await
}

/// What an account pays for, or paid for last: at most one row beside it.
async fn subscriptions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("billing_subscription")
        .col(pk_uuid("org_id"))
        .col(uuid("id"))
        .col(text_null("external"))
        .col(text("plan_id"))
        .col(text("cycle"))
        .col(big_integer("amount_minor"))
        .col(text("currency"))
        .col(text("status"))
        .col(timestamp_with_time_zone("anchor"))
        .col(timestamp_with_time_zone("period_start"))
        .col(timestamp_with_time_zone("period_end"))
        .col(timestamp_with_time_zone_null("trial_ends_at"))
        .col(boolean("cancel_at_period_end"))
        .col(timestamp_with_time_zone_null("past_due_since"))
        .col(text_null("pending_plan"))
        .col(text_null("pending_cycle"))
        .col(timestamp_with_time_zone_null("pending_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await
}

/// One row at most for each version of an account. Rows are only ever added.
async fn movements(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("billing_movement")
        .col(uuid("org_id"))
        .col(big_integer("account_version"))
        .col(timestamp_with_time_zone("at"))
        .col(text_null("from_plan"))
        .col(text_null("to_plan"))
        .col(text_null("cycle"))
        .col(big_integer_null("from_monthly"))
        .col(text_null("from_currency"))
        .col(big_integer_null("to_monthly"))
        .col(text_null("to_currency"))
        .col(text("why"))
        .primary_key(&mut key(&["org_id", "account_version"]))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("billing_movement", "billing_movement_at", &["at", "org_id"])).await?;
    for statement in append_only(manager.get_database_backend()) {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Triggers have no portable form.
fn append_only(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Postgres => &[
            "CREATE FUNCTION billing_movement_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN RAISE EXCEPTION 'the books are append-only'; END $$",
            "CREATE TRIGGER billing_movement_append_only BEFORE UPDATE OR DELETE ON billing_movement \
             FOR EACH ROW EXECUTE FUNCTION billing_movement_refuse()",
            "CREATE TRIGGER billing_movement_no_truncate BEFORE TRUNCATE ON billing_movement \
             FOR EACH STATEMENT EXECUTE FUNCTION billing_movement_refuse()",
        ],
        _ => &[
            "CREATE TRIGGER billing_movement_no_update BEFORE UPDATE ON billing_movement \
             BEGIN SELECT RAISE(ABORT, 'the books are append-only'); END",
            "CREATE TRIGGER billing_movement_no_delete BEFORE DELETE ON billing_movement \
             BEGIN SELECT RAISE(ABORT, 'the books are append-only'); END",
        ],
    }
}

/// `lines` and `payments` are JSON. Numbers are unique among those that we give: the manual provider's.
async fn invoices(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("invoice")
        .col(uuid("org_id"))
        .col(uuid("id"))
        .col(bytewise(manager, "provider"))
        .col(text_null("external"))
        .col(text_null("number"))
        .col(text("status"))
        .col(big_integer("subtotal_minor"))
        .col(big_integer("tax_minor"))
        .col(big_integer("total_minor"))
        .col(text("currency"))
        .col(timestamp_with_time_zone("issued_at"))
        .col(timestamp_with_time_zone_null("due_at"))
        .col(timestamp_with_time_zone_null("paid_at"))
        .col(timestamp_with_time_zone_null("period_start"))
        .col(timestamp_with_time_zone_null("period_end"))
        .col(text_null("plan_id"))
        .col(text_null("cycle"))
        .col(text("description"))
        .col(text("lines"))
        .col(text("payments"))
        .col(text("customer_name"))
        .col(text("customer_address"))
        .col(text_null("hosted_url"))
        .primary_key(&mut key(&["org_id", "id"]))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await?;
    let external = index("invoice", "invoice_external", &["provider", "external"]).unique().to_owned();
    manager.create_index(external).await?;
    let number = index("invoice", "invoice_number", &["number"])
        .unique()
        .cond_where(Expr::col("provider").eq("manual"))
        .to_owned();
    manager.create_index(number).await?;
    // Read backwards, the newest first.
    manager.create_index(index("invoice", "invoice_of_org", &["org_id", "issued_at", "id"])).await
}

/// The last number that was given in each series. Whoever takes the next one holds the row until it is committed: no gaps.
async fn series(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("invoice_series")
        .col(bytewise(manager, "series").primary_key().to_owned())
        .col(big_integer("last"))
        .to_owned();
    manager.create_table(table).await
}

/// Only pending events are searched for, by the time of their turn.
async fn inbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("inbox_event")
        .col(bytewise(manager, "provider"))
        .col(bytewise(manager, "id"))
        .col(text("kind"))
        .col(text_null("customer"))
        .col(timestamp_with_time_zone("received_at"))
        .col(blob("body"))
        .col(text("state"))
        .col(big_integer("attempts"))
        .col(timestamp_with_time_zone_null("next_at"))
        .col(timestamp_with_time_zone_null("leased_until"))
        .col(text_null("error"))
        .col(uuid_null("org_id"))
        .col(timestamp_with_time_zone_null("settled_at"))
        .primary_key(&mut key(&["provider", "id"]))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(waiting("inbox_event", "inbox_event_turn", &["next_at", "received_at", "id"])).await?;
    manager.create_index(index("inbox_event", "inbox_event_state", &["state", "received_at"])).await
}

/// At most one task of an organization is pending.
async fn outbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("outbox_task")
        .col(uuid("org_id"))
        .col(uuid("id"))
        .col(text("command"))
        .col(text("state"))
        .col(big_integer("attempts"))
        .col(timestamp_with_time_zone_null("next_at"))
        .col(timestamp_with_time_zone_null("leased_until"))
        .col(text_null("error"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("settled_at"))
        .primary_key(&mut key(&["org_id", "id"]))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("outbox_task", "outbox_task_id", &["id"]).unique().to_owned()).await?;
    manager.create_index(waiting("outbox_task", "outbox_task_pending", &["org_id"]).unique().to_owned()).await?;
    manager.create_index(waiting("outbox_task", "outbox_task_turn", &["next_at", "id"])).await
}

/// An index of pending rows alone.
fn waiting(table: &'static str, name: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, name, columns).cond_where(Expr::col("state").eq("pending")).to_owned()
}
