use std::collections::BTreeSet;

use async_trait::async_trait;
use kernel::{ProviderKeyId, Record, StoreError};

use super::{Master, MemoryKeys};
use crate::{CustodyStore, KnownMasterKey, MasterKeyId, ProviderKey, Retired, Rewrapped};

#[async_trait]
impl CustodyStore for MemoryKeys {
    async fn known(&self) -> Result<Vec<KnownMasterKey>, StoreError> {
        let state = self.state()?;
        let named = state.keys.values().map(|key| &key.master_key);
        let ids: BTreeSet<&MasterKeyId> = state.masters.keys().chain(named).collect();
        let known = |id: &MasterKeyId| {
            let master = state.masters.get(id);
            KnownMasterKey {
                id: id.clone(),
                check: master.map_or([0; 16], |master| master.check),
                uses: master.map_or(0, |master| master.uses),
                sealing: state.sealing(id),
                retired_at: master.and_then(|master| master.retired_at),
            }
        };
        Ok(ids.into_iter().map(known).collect())
    }

    async fn register(&self, id: &MasterKeyId, check: &[u8; 16], record: &Record) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        if let Some(known) = state.masters.get(id) {
            return Ok(known.check == *check);
        }
        self.trail.keep(record)?;
        state.masters.insert(id.clone(), Master { check: *check, uses: 0, retired_at: None });
        Ok(true)
    }

    async fn sealed_otherwise(
        &self,
        than: &MasterKeyId,
        after: Option<ProviderKeyId>,
        limit: u32,
    ) -> Result<Vec<ProviderKey>, StoreError> {
        let state = self.state()?;
        let wanted = |key: &&ProviderKey| key.master_key != *than && after.is_none_or(|after| after < key.id);
        let mut found: Vec<ProviderKey> = state.keys.values().filter(wanted).cloned().collect();
        found.sort_by_key(|key| key.id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn rewrap(&self, keys: &[Rewrapped], under: &MasterKeyId, check: &[u8; 16]) -> Result<u64, StoreError> {
        let mut state = self.state()?;
        if state.masters.get(under).is_none_or(|master| master.retired_at.is_some() || master.check != *check) {
            return Ok(0);
        }
        let mut done = 0;
        for new in keys {
            let read = |key: &&mut ProviderKey| {
                (key.id, key.org, key.version, &key.master_key) == (new.id, new.org, new.version, &new.from)
            };
            if let Some(key) = state.keys.values_mut().find(read) {
                key.sealed = new.sealed.clone();
                key.master_key = under.clone();
                done += 1;
            }
        }
        if let Some(master) = state.masters.get_mut(under) {
            master.uses += done;
        }
        Ok(done)
    }

    async fn rotated(&self, record: &Record) -> Result<(), StoreError> {
        let _state = self.state()?;
        self.trail.keep(record)
    }

    async fn retire(&self, id: &MasterKeyId, record: &Record) -> Result<Retired, StoreError> {
        let mut state = self.state()?;
        let sealing = state.sealing(id);
        if sealing > 0 {
            return Ok(Retired::InUse(sealing));
        }
        let Some(master) = state.masters.get_mut(id) else { return Ok(Retired::NotFound) };
        if master.retired_at.is_some() {
            return Ok(Retired::Retired);
        }
        self.trail.keep(record)?;
        master.retired_at = Some(record.at);
        Ok(Retired::Retired)
    }
}
