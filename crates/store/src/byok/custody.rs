use std::collections::BTreeMap;

use async_trait::async_trait;
use byok_core::policy::seal::MAX_USES;
use byok_core::{CustodyStore, KnownMasterKey, MasterKeyId, ProviderKey, Retired, Rewrapped};
use kernel::{ProviderKeyId, Record, StoreError, Timestamp};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Value,
};
use serde_json::json;

use super::row::{master_key, to_key};
use crate::connection::Database;
use crate::entity::master_key::{Column, Entity, Model};
use crate::entity::provider_key;
use crate::error::Failure;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::usage::row::{run, select};
use crate::value::{count, number, read, storable};

/// Each name in the column once, by as many lookups in its index.
const NAMES: &str = "WITH RECURSIVE names (name) AS (SELECT min(master_key) FROM provider_key UNION ALL \
     SELECT (SELECT min(k.master_key) FROM provider_key k WHERE k.master_key > names.name) FROM names \
     WHERE names.name IS NOT NULL) SELECT name FROM names WHERE name IS NOT NULL";

/// In the order of their ids, so that two who do the same do not stand in each other's way.
const LOCK: &str = "SELECT k.id FROM provider_key k JOIN UNNEST($1::uuid[]) AS n (id) ON n.id = k.id \
     ORDER BY k.id FOR NO KEY UPDATE OF k";

const REWRAP_POSTGRES: &str = "UPDATE provider_key k SET sealed = n.sealed, master_key = $1 \
     FROM UNNEST($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bytea[]) \
     AS n (id, org_id, version, master_key, sealed) \
     WHERE k.id = n.id AND k.org_id = n.org_id AND k.version = n.version AND k.master_key = n.master_key";

const REWRAP_SQLITE: &str = "UPDATE provider_key SET sealed = unhex(n.value ->> 4), master_key = $1 FROM json_each($2) n \
     WHERE provider_key.id = unhex(n.value ->> 0) AND provider_key.org_id = unhex(n.value ->> 1) \
     AND provider_key.version = n.value ->> 2 AND provider_key.master_key = n.value ->> 3";

/// Whether a master key may seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sealing {
    /// It may, and that is counted.
    Counted,
    /// It was retired, or nobody knows it.
    Retired,
    /// Another key of its name is known.
    Different,
    /// It has sealed as often as it may.
    WornOut,
}

/// Locks a master key. Until the transaction ends nobody retires it, and nobody else counts its uses.
async fn lock(tx: &impl ConnectionTrait, id: &MasterKeyId) -> Result<Option<Model>, DbErr> {
    Entity::by_id(id).lock(LockType::NoKeyUpdate).one(tx).await
}

/// Locks a master key, and counts that it seals so often; only the one that was registered with this check value.
pub(super) async fn seal_with(tx: &Tx, id: &MasterKeyId, check: &[u8; 16], times: u64) -> Result<Sealing, Failure> {
    let Some(row) = lock(&**tx, id).await?.filter(|row| row.retired_at.is_none()) else {
        return Ok(Sealing::Retired);
    };
    if row.check_value != check {
        tracing::error!(
            master_key = %id,
            "the key ring has another master key of this name than the one that this database was sealed with: nothing is sealed"
        );
        return Ok(Sealing::Different);
    }
    let uses = number("master_key.uses", row.uses)?.saturating_add(times);
    if uses > MAX_USES {
        return Ok(Sealing::WornOut);
    }
    let uses = read("master_key.uses", i64::try_from(uses))?;
    Entity::update_many()
        .col_expr(Column::Uses, Expr::value(uses))
        .filter(Column::Id.eq(id.as_str()))
        .exec(&**tx)
        .await?;
    Ok(Sealing::Counted)
}

/// What is known of master keys, in the database.
#[derive(Debug, Clone)]
pub struct SeaCustody(Database);

impl SeaCustody {
    /// The master keys that this database knows.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// How many keys each master key has sealed, by its name.
    async fn sealing(&self) -> Result<BTreeMap<MasterKeyId, u64>, StoreError> {
        let counted = provider_key::Entity::listing()
            .select_only()
            .column(provider_key::Column::MasterKey)
            .column_as(Expr::col(Asterisk).count(), "n")
            .group_by(provider_key::Column::MasterKey);
        let counted: Vec<(String, i64)> = self.0.ask(counted.into_tuple().all(self.0.reader())).await?;
        let mut sealing = BTreeMap::new();
        for (name, n) in counted {
            let sum: &mut u64 = sealing.entry(master_key(&name)?).or_default();
            *sum = sum.saturating_add(number("provider_key", n)?);
        }
        Ok(sealing)
    }

    /// The names that keys are sealed with, but for one.
    async fn others(&self, than: &MasterKeyId) -> Result<Vec<String>, StoreError> {
        let rows = self.0.ask(select(self.0.reader(), NAMES, Vec::new())).await?;
        let names = rows.iter().map(|row| row.try_get_by_index::<String>(0)).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(StoreError::broken)?;
        Ok(names.into_iter().filter(|name| name != than.as_str()).collect())
    }
}

fn known(row: Model, sealing: u64) -> Result<KnownMasterKey, StoreError> {
    Ok(KnownMasterKey {
        id: read("master_key.id", row.id.parse())?,
        check: read("master_key.check_value", row.check_value.try_into())?,
        uses: number("master_key.uses", row.uses)?,
        sealing,
        retired_at: row.retired_at,
    })
}

/// Puts new bytes in the place of those that were read; how many still were there.
async fn rewrap(tx: &Tx, keys: &[Rewrapped], under: &MasterKeyId) -> Result<u64, DbErr> {
    let under = Value::from(under.as_str());
    if tx.get_database_backend() != DbBackend::Postgres {
        let row = |key: &Rewrapped| {
            let (id, org) = (key.id.uuid().simple().to_string(), key.org.uuid().simple().to_string());
            json!([id, org, key.version, key.from.as_str(), hex(key.sealed.as_bytes())])
        };
        let rows: serde_json::Value = keys.iter().map(row).collect();
        return run(&**tx, REWRAP_SQLITE, vec![under, rows.to_string().into()]).await;
    }
    let ids: Vec<_> = keys.iter().map(|key| key.id.uuid()).collect();
    select(&**tx, LOCK, vec![ids.clone().into()]).await?;
    let values = vec![
        under,
        ids.into(),
        keys.iter().map(|key| key.org.uuid()).collect::<Vec<_>>().into(),
        keys.iter().map(|key| i64::from(key.version)).collect::<Vec<_>>().into(),
        keys.iter().map(|key| key.from.as_str().to_owned()).collect::<Vec<_>>().into(),
        keys.iter().map(|key| key.sealed.as_bytes().to_vec()).collect::<Vec<_>>().into(),
    ];
    run(&**tx, REWRAP_POSTGRES, values).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[async_trait]
impl CustodyStore for SeaCustody {
    /// Counts first: whatever seals was registered before.
    async fn known(&self) -> Result<Vec<KnownMasterKey>, StoreError> {
        let mut sealing = self.sealing().await?;
        let rows = self.0.ask(Entity::listing().all(self.0.reader())).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let mut key = known(row, 0)?;
            key.sealing = sealing.remove(&key.id).unwrap_or(0);
            found.push(key);
        }
        let only_named = |(id, sealing)| KnownMasterKey { id, check: [0; 16], uses: 0, sealing, retired_at: None };
        found.extend(sealing.into_iter().map(only_named));
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    async fn register(&self, id: &MasterKeyId, check: &[u8; 16], record: &Record) -> Result<bool, StoreError> {
        let row = Model {
            id: id.as_str().to_owned(),
            check_value: check.to_vec(),
            uses: 0,
            registered_at: storable(record.at),
            retired_at: None,
        };
        let row = &row.into_active_model().reset_all();
        let change = |tx: Tx| async move {
            let once = OnConflict::column(Column::Id).do_nothing().to_owned();
            if Entity::insert(row.clone()).on_conflict(once).exec_without_returning(&*tx).await? == 1 {
                return Ok(Commit(true));
            }
            let known = Entity::by_id(id).one(&*tx).await?;
            Ok(RollBack(known.is_some_and(|known| known.check_value == check)))
        };
        self.0.change(record, change).await
    }

    async fn sealed_otherwise(
        &self,
        than: &MasterKeyId,
        after: Option<ProviderKeyId>,
        limit: u32,
    ) -> Result<Vec<ProviderKey>, StoreError> {
        let mut rows = Vec::new();
        for name in self.others(than).await? {
            let mut page =
                provider_key::Entity::sealed_with(&name).order_by_asc(provider_key::Column::Id).limit(u64::from(limit));
            if let Some(after) = after {
                page = page.filter(provider_key::Column::Id.gt(after.uuid()));
            }
            rows.extend(self.0.ask(page.all(self.0.reader())).await?);
        }
        rows.sort_by_key(|row| row.id);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rows.into_iter().map(to_key).collect()
    }

    async fn rewrap(&self, keys: &[Rewrapped], under: &MasterKeyId, check: &[u8; 16]) -> Result<u64, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let _moving = self.0.provider_keys().moving();
        let change = |tx: Tx| async move {
            // Locked before any key, as by whoever puts one.
            if lock(&*tx, under).await?.is_none_or(|row| row.retired_at.is_some()) {
                return Ok(RollBack(0));
            }
            let done = rewrap(&tx, keys, under).await?;
            match seal_with(&tx, under, check, done).await? {
                Sealing::Counted => Ok(Commit(done)),
                Sealing::Retired | Sealing::Different => Ok(RollBack(0)),
                Sealing::WornOut => Err(StoreError::broken(WornOut(under.clone())).into()),
            }
        };
        self.0.write(change).await
    }

    async fn rotated(&self, record: &Record) -> Result<(), StoreError> {
        self.0.change(record, |_tx: Tx| async move { Ok(Commit(())) }).await
    }

    async fn retire(&self, id: &MasterKeyId, record: &Record) -> Result<Retired, StoreError> {
        let at: Timestamp = storable(record.at);
        let change = |tx: Tx| async move {
            let Some(row) = lock(&*tx, id).await? else { return Ok(RollBack(Retired::NotFound)) };
            if row.retired_at.is_some() {
                return Ok(RollBack(Retired::Retired));
            }
            let sealed = count(provider_key::Entity::sealed_with(id.as_str()), &*tx).await?;
            if sealed > 0 {
                return Ok(RollBack(Retired::InUse(sealed)));
            }
            Entity::update_many()
                .col_expr(Column::RetiredAt, Expr::value(at))
                .filter(Column::Id.eq(id.as_str()))
                .exec(&*tx)
                .await?;
            Ok(Commit(Retired::Retired))
        };
        self.0.change(record, change).await
    }
}

/// A rotation to a key that can seal no more; the next one brings a new key.
#[derive(Debug, thiserror::Error)]
#[error("the master key {0} has sealed 2^32 times")]
struct WornOut(MasterKeyId);
