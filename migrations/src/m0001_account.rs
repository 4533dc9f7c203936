//! Accounts, their devices, profiles and notification choices.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, blob, boolean, pk_uuid, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null,
    uuid, uuid_null,
};

use crate::{drop_all, index, key, reference};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts(manager).await?;
        people(manager).await?;
        platform(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["platform", "notification_choice", "user_profile", "known_device", "app_user"]).await
    }
}

async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let users = Table::create()
        .table("app_user")
        .col(pk_uuid("id"))
        .col(text("email"))
        .col(text("email_canonical"))
        .col(boolean("email_verified"))
        .col(text("username"))
        .col(text("search_text"))
        .col(text("role"))
        .col(boolean("enabled"))
        .col(text_null("password_hash"))
        .col(text("tag"))
        .col(big_integer("epoch"))
        .col(uuid_null("home_org"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("last_login"))
        .to_owned();
    manager.create_table(users).await?;
    manager
        .create_index(index("app_user", "app_user_email_canonical", &["email_canonical"]).unique().to_owned())
        .await?;
    manager.create_index(index("app_user", "app_user_username", &["username"]).unique().to_owned()).await?;
    let devices = Table::create()
        .table("known_device")
        .col(uuid("user_id"))
        .col(blob("hash"))
        .col(timestamp_with_time_zone("last_used"))
        .primary_key(&mut key(&["user_id", "hash"]))
        .foreign_key(&mut reference("user_id", "app_user"))
        .to_owned();
    manager.create_table(devices).await
}

async fn people(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let profiles = Table::create()
        .table("user_profile")
        .col(pk_uuid("user_id"))
        .col(text_null("display_name"))
        .col(text_null("search_text"))
        .col(text_null("bio"))
        .col(text_null("company"))
        .col(text_null("job_title"))
        .col(text_null("phone"))
        .col(text_null("locale"))
        .col(text_null("timezone"))
        .col(text_null("avatar"))
        .foreign_key(&mut reference("user_id", "app_user"))
        .to_owned();
    manager.create_table(profiles).await?;
    let choices = Table::create()
        .table("notification_choice")
        .col(pk_uuid("user_id"))
        .col(boolean("email"))
        .col(boolean("system"))
        .col(boolean("updates"))
        .col(boolean("security"))
        .col(boolean("billing"))
        .col(boolean("marketing"))
        .col(boolean("sms"))
        .col(boolean("push"))
        .col(boolean("usage_alerts"))
        .col(big_integer("usage_alert_threshold"))
        .col(text("frequency"))
        .foreign_key(&mut reference("user_id", "app_user"))
        .to_owned();
    manager.create_table(choices).await
}

/// One row: what is true of the whole installation.
async fn platform(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("platform")
        .col(big_integer("id").primary_key())
        .col(big_integer("epoch"))
        .check(Expr::col("id").eq(1))
        .to_owned();
    manager.create_table(table).await?;
    let row =
        Query::insert().into_table("platform").columns(["id", "epoch"]).values_panic([1.into(), 0.into()]).to_owned();
    manager.execute(row).await
}
