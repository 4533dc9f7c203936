//! Organizations, memberships and invitations. The keys of what belongs to an organization begin with it.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, blob, boolean, pk_uuid, text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
};

use crate::{drop_all, index, key, reference};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        organizations(manager).await?;
        memberships(manager).await?;
        invitations(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["invitation", "membership", "organization"]).await
    }
}

async fn organizations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("organization")
        .col(pk_uuid("id"))
        .col(text("name"))
        .col(text("slug"))
        .col(text("search_text"))
        .col(text("status"))
        .col(text("settings"))
        .col(big_integer("member_count"))
        .col(big_integer("active_count"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("deleted_at"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("organization", "organization_slug", &["slug"]).unique().to_owned()).await?;
    manager.create_index(index("organization", "organization_created_at", &["created_at", "id"])).await
}

async fn memberships(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("membership")
        .col(uuid("org_id"))
        .col(uuid("user_id"))
        .col(text("role"))
        .col(text("status"))
        .col(boolean("listed"))
        .col(big_integer("epoch"))
        .col(timestamp_with_time_zone("joined_at"))
        .primary_key(&mut key(&["org_id", "user_id"]))
        .foreign_key(&mut reference("org_id", "organization"))
        .foreign_key(&mut reference("user_id", "app_user"))
        .to_owned();
    manager.create_table(table).await?;
    // A person's organizations in the order they joined them, counted and paged within the index.
    let joined = index("membership", "membership_joined", &["user_id", "listed", "joined_at", "org_id"]);
    manager.create_index(joined).await?;
    manager.create_index(index("membership", "membership_page", &["org_id", "status", "joined_at", "user_id"])).await
}

async fn invitations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("invitation")
        .col(uuid("org_id"))
        .col(uuid("id"))
        .col(text("email"))
        .col(text("email_canonical"))
        .col(text("role"))
        .col(uuid("invited_by"))
        .col(blob("token_hash"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(text("state"))
        .primary_key(&mut key(&["org_id", "id"]))
        .foreign_key(&mut reference("org_id", "organization"))
        .to_owned();
    manager.create_table(table).await?;
    manager.create_index(index("invitation", "invitation_token", &["token_hash"]).unique().to_owned()).await?;
    let open = index("invitation", "invitation_open", &["org_id", "email_canonical"])
        .unique()
        .cond_where(Expr::col("state").eq("open"))
        .to_owned();
    manager.create_index(open).await
}
