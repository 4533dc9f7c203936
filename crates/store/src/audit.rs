use async_trait::async_trait;
use audit_core::policy::{MAX_METADATA_VALUE, truncated};
use audit_core::{Entry, TrailFilter, TrailStore};
use kernel::{Actor, ActorKind, OrgId, Page, Paged, Record, RecordId, StoreError, UserId};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::connection::Database;
use crate::entity::audit_record::{Column, Entity, Model};
use crate::error::{Failure, is_conflict};
use crate::value::{count, part, read, storable, without_zero};

/// How many records a statement has, the most first: of few different sizes, so that statements are prepared once.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

/// Appends to the trail inside the caller's transaction. Whatever refuses the record makes the change unavailable: what cannot
/// be remembered is not done.
pub(crate) async fn append(tx: &impl ConnectionTrait, record: &Record) -> Result<(), Failure> {
    append_all(tx, [record]).await
}

/// The same for any number of records.
pub(crate) async fn append_all<'a>(
    tx: &impl ConnectionTrait,
    records: impl IntoIterator<Item = &'a Record>,
) -> Result<(), Failure> {
    let row = |record| Ok::<_, StoreError>(to_row(record)?.into_active_model().reset_all());
    let rows = records.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let mut rows = rows.into_iter();
    for size in CHUNKS {
        while rows.len() >= size {
            match Entity::insert_many(rows.by_ref().take(size)).exec_without_returning(tx).await {
                Ok(_) => {}
                Err(err) if is_conflict(&err) => return Err(Failure::Db(err)),
                Err(err) => return Err(Failure::Store(StoreError::unavailable(err))),
            }
        }
    }
    Ok(())
}

fn to_row(record: &Record) -> Result<Model, StoreError> {
    let mut metadata: Vec<(&str, String)> =
        record.metadata.iter().map(|(key, value)| (*key, truncated(value, MAX_METADATA_VALUE))).collect();
    let actor = &record.actor;
    if let ActorKind::Service(key) = actor.kind {
        metadata.push(("api_key", key.to_string()));
    }
    let agent = actor.user_agent.as_deref().map(|agent| without_zero(&truncated(agent, Actor::MAX_USER_AGENT)));
    Ok(Model {
        id: record.id.uuid(),
        at: storable(record.at),
        org_id: record.org.map(OrgId::uuid),
        actor_type: actor.kind.as_str().to_owned(),
        user_id: actor.user_id().map(UserId::uuid),
        ip: actor.ip.map(|ip| ip.to_string()),
        user_agent: agent,
        action: record.action.as_str().to_owned(),
        resource_type: record.resource.kind.to_owned(),
        resource_id: without_zero(&record.resource.id),
        result: record.outcome.as_str().to_owned(),
        metadata: serde_json::to_string(&metadata).map_err(StoreError::broken)?,
        session: actor.session.clone(),
        request_id: actor.request_id.as_deref().map(without_zero),
    })
}

fn to_entry(row: Model) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: RecordId::from_uuid(row.id),
        at: row.at,
        org: row.org_id.map(OrgId::from_uuid),
        user: row.user_id.map(UserId::from_uuid),
        actor_type: row.actor_type,
        ip: row.ip,
        user_agent: row.user_agent,
        action: row.action,
        resource_type: row.resource_type,
        resource_id: row.resource_id,
        result: row.result,
        metadata: read("audit_record.metadata", serde_json::from_str(&row.metadata))?,
        session: row.session,
        request_id: row.request_id,
    })
}

/// The trail in the database.
#[derive(Debug, Clone)]
pub struct SeaTrail(Database);

impl SeaTrail {
    /// The trail in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }
}

#[async_trait]
impl TrailStore for SeaTrail {
    async fn page(&self, filter: &TrailFilter, page: Page) -> Result<Paged<Entry>, StoreError> {
        let mut rows = Entity::of(filter.org);
        if let Some(user) = filter.user {
            rows = rows.filter(Column::UserId.eq(user.uuid()));
        }
        if let Some(action) = &filter.action {
            rows = rows.filter(Column::Action.eq(without_zero(action)));
        }
        let db = self.0.reader();
        let total = self.0.ask(count(rows.clone(), db)).await?;
        let newest = part(rows.order_by_desc(Column::At).order_by_desc(Column::Id), page);
        let items = self.0.ask(newest.all(db)).await?;
        Ok(Paged { items: items.into_iter().map(to_entry).collect::<Result<_, _>>()?, total, page })
    }
}
