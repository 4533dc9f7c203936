//! The ring for reading, and the secrets that it opens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use kernel::{StoreError, Timestamp};

use crate::{
    Byok, ByokError, Endpoint, KeyRing, MasterKeyId, Provider, ProviderKey, ProviderSecret, Undecryptable,
    policy::{seal, status::endpoint_of},
};

/// How long the ring is not read again for a master key that it did not have, or when it could not be read.
const PAUSE: TimeDelta = TimeDelta::seconds(1);

/// What the ring was read for in vain. A row that names a master key of nobody is no reason to read a file at every request; a name
/// that was not looked for yet is, at once.
#[derive(Default)]
pub(super) struct Vain(Mutex<Tries>);

#[derive(Default)]
struct Tries {
    missing: BTreeMap<MasterKeyId, Timestamp>,
    failed_at: Option<Timestamp>,
}

fn lacks(ring: &KeyRing, id: &MasterKeyId) -> bool {
    ring.get(id).is_none()
}

/// Whether that was less than a pause ago; a clock that was put back does not make it longer.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    (TimeDelta::zero()..PAUSE).contains(&(now - at))
}

impl Vain {
    fn lock(&self) -> MutexGuard<'_, Tries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked_for(&self, id: &MasterKeyId, now: Timestamp) -> bool {
        self.lock().missing.get(id).is_some_and(|at| is_recent(*at, now))
    }

    fn failed(&self, now: Timestamp) -> bool {
        self.lock().failed_at.is_some_and(|at| is_recent(at, now))
    }

    /// Forgets what was long ago, so that no names pile up.
    fn note<'a>(&self, missing: impl Iterator<Item = &'a MasterKeyId>, now: Timestamp) {
        let mut tries = self.lock();
        tries.missing.retain(|_, at| is_recent(*at, now));
        tries.missing.extend(missing.map(|id| (id.clone(), now)));
    }
}

impl Byok {
    /// The key's secret, and the one address that it may be sent to. Opened first: a record that was changed from outside is told as
    /// that, also where its address does not fit either.
    pub(super) async fn unlock<'a>(
        &self,
        provider: &'a Provider,
        key: &'a ProviderKey,
    ) -> Result<(ProviderSecret, &'a Endpoint), ByokError> {
        let ring = self.ring_for(std::slice::from_ref(key)).await?;
        let secret = seal::open_key(&ring, key);
        let secret = secret.map_err(|Undecryptable| ByokError::Undecryptable(key.provider.clone()))?;
        Ok((secret, endpoint_of(provider, key)?))
    }

    /// The ring; read again if one of these keys names a master key that it lacks.
    async fn ring_for(&self, keys: &[ProviderKey]) -> Result<Arc<KeyRing>, StoreError> {
        let ring = self.ports.ring.ring();
        if !keys.iter().any(|key| lacks(&ring, &key.master_key)) {
            return Ok(ring);
        }
        let now = self.ambient.now();
        let wanted = |id: &MasterKeyId| lacks(&ring, id) && !self.vain.looked_for(id, now);
        if !keys.iter().any(|key| wanted(&key.master_key)) {
            return Ok(ring);
        }
        if self.vain.failed(now) {
            return Err(StoreError::unavailable("the key ring could not be read a moment ago"));
        }
        let read = self.ports.ring.reread().await;
        self.vain.lock().failed_at = read.is_err().then_some(now);
        let ring = read?;
        self.vain.note(keys.iter().map(|key| &key.master_key).filter(|id| lacks(&ring, id)), now);
        Ok(ring)
    }

    /// The same for what only looks at keys: with a ring that cannot be read again, what the last one lacks does not open, and the rest
    /// does.
    pub(super) async fn ring_at_hand(&self, keys: &[ProviderKey]) -> Arc<KeyRing> {
        self.ring_for(keys).await.unwrap_or_else(|_| self.ports.ring.ring())
    }
}
