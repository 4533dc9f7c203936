use async_trait::async_trait;
use kernel::{ApiKeyId, OrgId, Record, Role, StoreError, Timestamp, TokenHash};

use super::{MemoryAuth, State};
use crate::{ApiKey, ApiKeyStore, KeyKept, KeyRevoked};

impl State {
    fn keys_of(&self, org: OrgId) -> impl DoubleEndedIterator<Item = &ApiKey> {
        self.api_keys.iter().map(|(_, key)| key).filter(move |key| key.org == org)
    }

    /// Whether the acting user, if they are or were a member, manages keys now. Who never was one acts by another right.
    fn manages_keys(&self, org: OrgId, record: &Record) -> bool {
        let caller = record.actor.user_id();
        let seat = self.seats.iter().find(|seat| seat.org == org && Some(seat.user) == caller);
        seat.is_none_or(|seat| seat.active && matches!(seat.role, Role::Owner | Role::Admin))
    }

    fn key_mut(&mut self, id: ApiKeyId) -> Option<&mut ApiKey> {
        self.api_keys.iter_mut().map(|(_, key)| key).find(|key| key.id == id)
    }
}

#[async_trait]
impl ApiKeyStore for MemoryAuth {
    async fn create(&self, key: &ApiKey, hash: &TokenHash, record: &Record) -> Result<KeyKept, StoreError> {
        let mut state = self.state()?;
        if !state.manages_keys(key.org, record) {
            return Ok(KeyKept::Outdated);
        }
        let living = state.keys_of(key.org).filter(|kept| kept.lives(key.created_at)).count();
        if u32::try_from(living).is_ok_and(|living| living < ApiKey::PER_ORG) {
            self.trail.keep(record)?;
            state.api_keys.push((*hash, key.clone()));
            return Ok(KeyKept::Kept);
        }
        Ok(KeyKept::TooMany)
    }

    async fn by_hash(&self, hash: &TokenHash) -> Result<Option<ApiKey>, StoreError> {
        let state = self.state()?;
        Ok(state.api_keys.iter().find(|(kept, _)| kept == hash).map(|(_, key)| key.clone()))
    }

    async fn org_active(&self, org: OrgId) -> Result<bool, StoreError> {
        Ok(self.state()?.org_active(org))
    }

    async fn list(&self, org: OrgId) -> Result<Vec<ApiKey>, StoreError> {
        let state = self.state()?;
        let mut keys: Vec<ApiKey> = state.keys_of(org).filter(|key| key.revoked_at.is_none()).cloned().collect();
        keys.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
        Ok(keys)
    }

    async fn revoke(&self, org: OrgId, id: ApiKeyId, record: &Record) -> Result<KeyRevoked, StoreError> {
        let mut state = self.state()?;
        if !state.manages_keys(org, record) {
            return Ok(KeyRevoked::Outdated);
        }
        let Some(key) = state.key_mut(id).filter(|key| key.org == org && key.revoked_at.is_none()) else {
            return Ok(KeyRevoked::NotFound);
        };
        self.trail.keep(record)?;
        key.revoked_at = Some(record.at);
        Ok(KeyRevoked::Revoked)
    }

    async fn touch(&self, id: ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        if let Some(key) = self.state()?.key_mut(id) {
            key.last_used = key.last_used.max(Some(now));
        }
        Ok(())
    }
}
