//! Customers' own provider keys, sealed, and what is known of the master keys that seal them. No key is in here that could be read.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, blob, boolean, text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
    uuid_null,
};

use crate::m0006_usage::bytewise;
use crate::{drop_all, index, key, reference};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        provider_keys(manager).await?;
        master_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["master_key", "provider_key"]).await
    }
}

/// `sealed` says by itself which master key sealed it; `master_key` says the same, to be counted and searched by. `last_used_at` is in
/// no index: it moves often.
async fn provider_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("provider_key")
        .col(uuid("org_id"))
        .col(bytewise(manager, "provider"))
        .col(uuid("id"))
        .col(big_integer("version"))
        .col(bytewise(manager, "master_key"))
        .col(blob("sealed"))
        .col(text_null("endpoint"))
        .col(text_null("label"))
        .col(text("tail"))
        .col(text("fingerprint"))
        .col(timestamp_with_time_zone("added_at"))
        .col(uuid_null("added_by"))
        .col(timestamp_with_time_zone_null("tested_at"))
        .col(text_null("verdict"))
        .col(boolean("refused"))
        .col(timestamp_with_time_zone_null("last_used_at"))
        .col(timestamp_with_time_zone_null("claimed_until"))
        .primary_key(&mut key(&["org_id", "provider"]))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("provider_key", "provider_key_id", &["id"]).unique().to_owned()).await?;
    manager.create_index(index("provider_key", "provider_key_sealed", &["master_key", "id"])).await?;
    manager.create_index(index("provider_key", "provider_key_tested", &["tested_at"])).await
}

/// `check_value` tells a key from another one of its name; `uses` is how often it sealed.
async fn master_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("master_key")
        .col(bytewise(manager, "id").primary_key().to_owned())
        .col(blob("check_value"))
        .col(big_integer("uses"))
        .col(timestamp_with_time_zone("registered_at"))
        .col(timestamp_with_time_zone_null("retired_at"))
        .to_owned();
    manager.create_table(table).await
}
