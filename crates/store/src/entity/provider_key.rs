use kernel::OrgId;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryFilter, Select};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    pub id: Uuid,
    pub version: i64,
    /// The same that the bytes of `sealed` say.
    pub master_key: String,
    pub sealed: Vec<u8>,
    pub endpoint: Option<String>,
    pub label: Option<String>,
    pub tail: String,
    pub fingerprint: String,
    pub added_at: DateTimeUtc,
    pub added_by: Option<Uuid>,
    pub tested_at: Option<DateTimeUtc>,
    pub verdict: Option<String>,
    /// Whether the provider refused it when it last said something of it.
    pub refused: bool,
    pub last_used_at: Option<DateTimeUtc>,
    /// Until then somebody is about to test it.
    pub claimed_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// One organization's keys.
    #[expect(clippy::disallowed_methods, reason = "scoped to one organization")]
    pub(crate) fn of(org: OrgId) -> Select<Self> {
        Self::find().filter(Column::OrgId.eq(org.uuid()))
    }

    /// All organizations' keys that one master key sealed, for its rotation.
    #[expect(clippy::disallowed_methods, reason = "scoped to one master key, which belongs to the platform")]
    pub(crate) fn sealed_with(master_key: &str) -> Select<Self> {
        Self::find().filter(Column::MasterKey.eq(master_key))
    }

    /// All organizations' keys, to count them and to find those whose test is due.
    #[expect(clippy::disallowed_methods, reason = "custody and tests of keys belong to the platform")]
    pub(crate) fn listing() -> Select<Self> {
        Self::find()
    }
}
