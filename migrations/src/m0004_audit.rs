//! The audit trail, to which rows are only ever added.
use async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{pk_uuid, text, text_null, timestamp_with_time_zone, uuid_null};
use sea_orm_migration::sea_orm::DbBackend;

use crate::{drop_all, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("audit_record")
            .col(pk_uuid("id"))
            .col(timestamp_with_time_zone("at"))
            .col(uuid_null("org_id"))
            .col(text("actor_type"))
            .col(uuid_null("user_id"))
            .col(text_null("ip"))
            .col(text_null("user_agent"))
            .col(text("action"))
            .col(text("resource_type"))
            .col(text("resource_id"))
            .col(text("result"))
            .col(text("metadata"))
            .col(text_null("session"))
            .col(text_null("request_id"))
            .to_owned();
        manager.create_table(table).await?;
        manager.create_index(index("audit_record", "audit_record_org", &["org_id", "at", "id"])).await?;
        manager.create_index(index("audit_record", "audit_record_at", &["at", "id"])).await?;
        manager.create_index(index("audit_record", "audit_record_user", &["user_id", "at", "id"])).await?;
        for statement in append_only(manager.get_database_backend()) {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["audit_record"]).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION audit_record_refuse()").await?;
        }
        Ok(())
    }
}

/// Triggers have no portable form.
fn append_only(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::Postgres => &[
            "CREATE FUNCTION audit_record_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
            "CREATE TRIGGER audit_record_append_only BEFORE UPDATE OR DELETE ON audit_record \
             FOR EACH ROW EXECUTE FUNCTION audit_record_refuse()",
            "CREATE TRIGGER audit_record_no_truncate BEFORE TRUNCATE ON audit_record \
             FOR EACH STATEMENT EXECUTE FUNCTION audit_record_refuse()",
        ],
        _ => &[
            "CREATE TRIGGER audit_record_no_update BEFORE UPDATE ON audit_record \
             BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
            "CREATE TRIGGER audit_record_no_delete BEFORE DELETE ON audit_record \
             BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
        ],
    }
}
