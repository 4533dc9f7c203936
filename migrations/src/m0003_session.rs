//! What lives for hours or days: sessions, sign-in links, throttles and the answers of operations that happen once.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};

use crate::{drop_all, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sessions(manager).await?;
        links(manager).await?;
        throttles(manager).await?;
        answers(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["idempotency", "throttle", "sign_in_link", "session"]).await
    }
}

async fn sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("session")
        .col(blob("key_hash").primary_key())
        .col(uuid("id"))
        .col(uuid("user_id"))
        .col(uuid_null("org_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("auth_time"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(big_integer("idle_micros"))
        .col(timestamp_with_time_zone("last_seen"))
        .col(timestamp_with_time_zone("idle_until"))
        .col(big_integer("user_epoch"))
        .col(big_integer("org_epoch"))
        .col(big_integer("platform_epoch"))
        .col(text_null("ip"))
        .col(text_null("user_agent"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("session", "session_id", &["id"]).unique().to_owned()).await?;
    manager.create_index(index("session", "session_user", &["user_id", "created_at"])).await?;
    manager.create_index(index("session", "session_expires_at", &["expires_at"])).await?;
    manager.create_index(index("session", "session_idle_until", &["idle_until"])).await
}

async fn links(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("sign_in_link")
        .col(blob("hash").primary_key())
        .col(uuid("user_id"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("sign_in_link", "sign_in_link_expires_at", &["expires_at"])).await
}

/// Times are microseconds since 1970: they are added and compared within a statement.
async fn throttles(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("throttle")
        .col(text("key").primary_key())
        .col(big_integer("next_at"))
        .col(big_integer("wait"))
        .col(big_integer("stale_at"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("throttle", "throttle_stale_at", &["stale_at"])).await
}

async fn answers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("idempotency")
        .col(blob("scope").primary_key())
        .col(blob("payload"))
        .col(text("state"))
        .col(timestamp_with_time_zone("lease_until"))
        .col(big_integer_null("status"))
        .col(text_null("content_type"))
        .col(blob_null("body"))
        .col(timestamp_with_time_zone_null("keep_until"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("idempotency", "idempotency_keep_until", &["keep_until"])).await
}
