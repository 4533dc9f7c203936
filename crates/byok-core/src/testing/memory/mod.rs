mod custody;
mod keys;
mod others;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::testing::{KeptRecords, MemoryTrail};
use kernel::{Ambient, OrgId, Record, RecordId, Role, StoreError, Timestamp, UserId};

pub use self::others::{MemoryEntitlement, MemoryNotices, MemoryProbe, MemoryRing, Probed};
use super::World;
use crate::{MasterKeyId, ProviderId, ProviderKey};

type Place = (OrgId, ProviderId);

/// [`KeyStore`](crate::KeyStore) and [`CustodyStore`](crate::CustodyStore) in memory.
#[derive(Default)]
pub struct MemoryKeys {
    state: Mutex<State>,
    trail: MemoryTrail,
}

#[derive(Default)]
struct State {
    keys: BTreeMap<Place, ProviderKey>,
    claims: BTreeMap<Place, Timestamp>,
    masters: BTreeMap<MasterKeyId, Master>,
    roles: BTreeMap<(OrgId, UserId), Role>,
    /// What a process that has not heard of the latest changes still reads.
    stale: Option<BTreeMap<Place, ProviderKey>>,
    rivals: u32,
}

struct Master {
    check: [u8; 16],
    uses: u64,
    retired_at: Option<Timestamp>,
}

impl MemoryKeys {
    /// No keys, no master keys, nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records of all changes so far, the first first.
    pub fn records(&self) -> Vec<Record> {
        self.trail.records()
    }

    /// From now on every change fails, and leaves everything as it was.
    pub fn refuse_records(&self, refuse: bool) {
        self.trail.refuse_records(refuse);
    }

    /// From now on every method fails, reads included.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }

    /// From now on `of` and `list` answer as of this moment, like those of a process that has not heard of another one's changes; until
    /// they are told of them.
    pub fn serve_stale(&self, from_now: bool) {
        let mut state = self.lock();
        state.stale = from_now.then(|| state.keys.clone());
    }

    /// The next so many puts find that somebody else was faster.
    pub fn let_rivals_win(&self, times: u32) {
        self.lock().rivals = times;
    }

    /// Changes the organization's key at the provider behind the store's back, as a hand in the database would.
    pub fn tamper(&self, org: OrgId, provider: &ProviderId, change: impl FnOnce(&mut ProviderKey)) {
        if let Some(key) = self.lock().keys.get_mut(&(org, provider.clone())) {
            change(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        self.trail.up()?;
        Ok(self.lock())
    }
}

impl State {
    /// The very key: this version of this record.
    fn same(&mut self, key: &ProviderKey) -> Option<&mut ProviderKey> {
        let kept = self.keys.get_mut(&(key.org, key.provider.clone()));
        kept.filter(|kept| (kept.id, kept.version) == (key.id, key.version))
    }

    /// Whether the actor, if it is a user, may manage the organization's keys.
    fn may_manage(&self, org: OrgId, record: &Record) -> bool {
        let role = |user: UserId| self.roles.get(&(org, user));
        record.actor.user_id().is_none_or(|user| matches!(role(user), Some(Role::Owner | Role::Admin)))
    }

    fn sealing(&self, id: &MasterKeyId) -> u64 {
        self.keys.values().map(|key| u64::from(key.master_key == *id)).sum()
    }
}

#[async_trait]
impl KeptRecords for MemoryKeys {
    async fn kept(&self, record: RecordId) -> bool {
        self.trail.has(record)
    }
}

#[async_trait]
impl World for MemoryKeys {
    async fn org(&self) -> OrgId {
        OrgId::mint(&Ambient::system())
    }

    async fn user(&self) -> UserId {
        UserId::mint(&Ambient::system())
    }

    async fn seat(&self, org: OrgId, user: UserId, role: Role) {
        self.lock().roles.insert((org, user), role);
    }

    async fn unseat(&self, org: OrgId, user: UserId) {
        self.lock().roles.remove(&(org, user));
    }

    async fn wear(&self, id: &MasterKeyId, uses: u64) {
        if let Some(master) = self.lock().masters.get_mut(id) {
            master.uses = uses;
        }
    }
}
