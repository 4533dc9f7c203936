use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{OrgId, Outcome, Record, StoreError, Timestamp};

use super::{MemoryKeys, Place, State};
use crate::{Deleted, KeyStore, ProviderId, ProviderKey, Put, Remembered, Test, TestRun, policy::seal::MAX_USES};

impl State {
    /// Whether the key is the next one of its place.
    fn follows(&self, key: &ProviderKey, place: &Place) -> bool {
        match self.keys.get(place) {
            Some(before) => before.id == key.id && before.version.checked_add(1) == Some(key.version),
            None => key.version == 1,
        }
    }

    /// The keys as the caches of this process have them.
    fn cached(&self) -> impl Iterator<Item = &ProviderKey> {
        self.stale.as_ref().unwrap_or(&self.keys).values()
    }
}

#[async_trait]
impl KeyStore for MemoryKeys {
    async fn put(&self, key: &ProviderKey, check: &[u8; 16], record: &Record) -> Result<Put, StoreError> {
        let (mut state, place) = (self.state()?, (key.org, key.provider.clone()));
        if !state.may_manage(key.org, record) {
            return Ok(Put::Forbidden);
        }
        if state.rivals > 0 {
            state.rivals -= 1;
            return Ok(Put::Moved);
        }
        if !state.follows(key, &place) {
            return Ok(Put::Moved);
        }
        let Some(master) = state.masters.get_mut(&key.master_key).filter(|master| master.retired_at.is_none()) else {
            return Ok(Put::RetiredMasterKey);
        };
        if master.check != *check {
            return Ok(Put::DifferentMasterKey);
        }
        if master.uses >= MAX_USES {
            return Ok(Put::WornOut);
        }
        self.trail.keep(record)?;
        master.uses += 1;
        state.claims.remove(&place);
        state.keys.insert(place, key.clone());
        Ok(Put::Kept)
    }

    async fn delete(&self, org: OrgId, provider: &ProviderId, record: &Record) -> Result<Deleted, StoreError> {
        let (mut state, place) = (self.state()?, (org, provider.clone()));
        if !state.may_manage(org, record) {
            return Ok(Deleted::Forbidden);
        }
        if !state.keys.contains_key(&place) {
            return Ok(Deleted::NotFound);
        }
        self.trail.keep(record)?;
        state.claims.remove(&place);
        state.keys.remove(&place);
        Ok(Deleted::Deleted)
    }

    async fn of(&self, org: OrgId, provider: &ProviderId) -> Result<Option<ProviderKey>, StoreError> {
        let state = self.state()?;
        let found = state.stale.as_ref().unwrap_or(&state.keys).get(&(org, provider.clone())).cloned();
        Ok(found)
    }

    async fn now(&self, org: OrgId, provider: &ProviderId) -> Result<Option<ProviderKey>, StoreError> {
        Ok(self.state()?.keys.get(&(org, provider.clone())).cloned())
    }

    async fn list(&self, org: OrgId) -> Result<Arc<Vec<ProviderKey>>, StoreError> {
        Ok(Arc::new(self.state()?.cached().filter(|key| key.org == org).cloned().collect()))
    }

    async fn tested(&self, key: &ProviderKey, run: TestRun, record: &Record) -> Result<Remembered, StoreError> {
        let mut state = self.state()?;
        let Some(kept) = state.same(key) else { return Ok(Remembered::Gone) };
        self.trail.keep(record)?;
        let was_read = |last: Test| key.tested.is_some_and(|read| read.at == last.at);
        if kept.tested.is_some_and(|last| run.began_at < last.at && !was_read(last)) {
            return Ok(Remembered::Overtaken);
        }
        kept.tested = Some(Test::after(kept.tested, run.ended_at, run.verdict));
        Ok(Remembered::Kept)
    }

    async fn handed_out(&self, key: &ProviderKey, record: &Record) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let Some(kept) = state.same(key) else { return Ok(false) };
        self.trail.keep(record)?;
        if record.outcome == Outcome::Success
            && kept.last_used.is_none_or(|last| record.at - last >= TimeDelta::minutes(1))
        {
            kept.last_used = Some(record.at);
        }
        Ok(true)
    }

    async fn claim_untested(
        &self,
        before: Timestamp,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ProviderKey>, StoreError> {
        let mut state = self.state()?;
        let free = |place: &Place| state.claims.get(place).is_none_or(|until| *until <= now);
        let is_due = |key: &ProviderKey| key.tested.is_none_or(|test| test.at < before);
        let due = state.keys.iter().filter(|(place, key)| free(place) && is_due(key));
        let mut due: Vec<(Place, ProviderKey)> = due.map(|(place, key)| (place.clone(), key.clone())).collect();
        due.sort_by_key(|(_, key)| key.tested.map(|test| test.at));
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        state.claims.extend(due.iter().map(|(place, _)| (place.clone(), until)));
        Ok(due.into_iter().map(|(_, key)| key).collect())
    }
}
