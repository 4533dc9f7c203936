//! Plans and services, which organization is on which plan, and the keys that services of the platform come with.
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
        plans(manager).await?;
        services(manager).await?;
        subscriptions(manager).await?;
        api_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["api_key", "subscription", "service", "plan"]).await
    }
}

/// Amounts are in minor units, limits −1 where there is no end.
async fn plans(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("plan")
        .col(text("id").primary_key())
        .col(text("name"))
        .col(text("description"))
        .col(big_integer("level"))
        .col(big_integer("monthly_cents"))
        .col(big_integer("yearly_cents"))
        .col(text("currency"))
        .col(big_integer("monthly_limit"))
        .col(big_integer("daily_limit"))
        .col(big_integer("per_user_limit"))
        .col(big_integer("rate_per_minute"))
        .col(big_integer("concurrent_searches"))
        .col(big_integer("seats"))
        .col(boolean("byok"))
        .col(text("services"))
        .col(text("features"))
        .col(boolean("priority_support"))
        .col(big_integer("trial_days"))
        .col(boolean("is_public"))
        .col(boolean("is_popular"))
        .col(boolean("is_active"))
        .col(text_null("stripe_price"))
        .col(text_null("stripe_annual_price"))
        .col(text_null("lago_plan"))
        .col(big_integer("version"))
        .to_owned();
    manager.create_table(table).await
}

async fn services(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("service")
        .col(text("name").primary_key())
        .col(text("display_name"))
        .col(text("description"))
        .col(text_null("icon"))
        .col(text_null("url"))
        .col(text_null("required_permission"))
        .col(boolean("is_external"))
        .to_owned();
    manager.create_table(table).await
}

/// An organization without a row is on the default plan since it was made.
async fn subscriptions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("subscription")
        .col(pk_uuid("org_id"))
        .col(text("plan_id"))
        .col(text("status"))
        .col(text("source"))
        .col(timestamp_with_time_zone("anchor"))
        .col(timestamp_with_time_zone_null("trial_ends_at"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(&mut reference("org_id", "organization"))
        .foreign_key(&mut reference("plan_id", "plan"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("subscription", "subscription_plan", &["plan_id"])).await
}

async fn api_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("api_key")
        .col(uuid("org_id"))
        .col(uuid("id"))
        .col(blob("token_hash"))
        .col(text("name"))
        .col(text("scopes"))
        .col(boolean("platform"))
        .col(text("preview"))
        .col(uuid_null("created_by"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .col(timestamp_with_time_zone_null("last_used_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .primary_key(&mut key(&["org_id", "id"]))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("api_key", "api_key_token", &["token_hash"]).unique().to_owned()).await?;
    manager.create_index(index("api_key", "api_key_id", &["id"]).unique().to_owned()).await
}
