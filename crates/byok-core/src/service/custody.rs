use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Record, StoreError};

use crate::{
    BadRing, CustodyError, CustodyStore, KeyRing, KnownMasterKey, MasterKey, MasterKeyId, Retired, RingHolder,
    policy::seal::ALARM_USES,
};

/// How often a change of the ring is tried again after somebody else's was faster.
const ATTEMPTS: usize = 8;

/// How a ring takes one more key.
type Extension = fn(&KeyRing, MasterKeyId, MasterKey) -> Result<KeyRing, BadRing>;

/// What the ring has under the name of a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InRing {
    /// Nothing.
    Missing,
    /// The key.
    Same,
    /// Another key than the one that the store knows.
    Different,
}

/// A master key, as ring and store together know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyState {
    /// What the store knows.
    pub known: KnownMasterKey,
    /// Whether the ring has it.
    pub in_ring: InRing,
    /// Whether it is the one that seals.
    pub active: bool,
    /// Whether it has sealed so often that it should be rotated soon.
    pub alarm: bool,
}

/// All master keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyState {
    /// By name.
    pub master_keys: Vec<MasterKeyState>,
}

/// Looks after the master keys.
#[derive(Clone)]
pub struct Custody {
    pub(super) store: Arc<dyn CustodyStore>,
    pub(super) ring: Arc<dyn RingHolder>,
    pub(super) ambient: Ambient,
}

impl Custody {
    /// The use cases over these ports.
    pub fn new(store: Arc<dyn CustodyStore>, ring: Arc<dyn RingHolder>, ambient: Ambient) -> Self {
        Self { store, ring, ambient }
    }

    /// Makes sure that this ring fits this store, and makes its keys known: before anything is served.
    pub async fn check(&self, actor: &Actor) -> Result<(), CustodyError> {
        let ring = self.ring.reread().await?;
        let known = self.store.known().await?;
        let lacking = |key: &&KnownMasterKey| key.sealing > 0 && ring.get(&key.id).is_none();
        let missing: Vec<_> = known.iter().filter(lacking).map(|key| (key.id.clone(), key.sealing)).collect();
        if !missing.is_empty() {
            return Err(CustodyError::Unknown(missing));
        }
        not_retired(&known, ring.active())?;
        for (id, key) in ring.iter() {
            if !self.register(actor, id, key).await? {
                return Err(CustodyError::Different(id.clone()));
            }
        }
        Ok(())
    }

    /// Makes a master key known; `false` when another one of its name is.
    pub(super) async fn register(&self, actor: &Actor, id: &MasterKeyId, key: &MasterKey) -> Result<bool, StoreError> {
        let record = Record::new(&self.ambient, actor, Action::MasterKeyRegistered, "master_key", id);
        self.store.register(id, &key.check(), &record).await
    }

    /// All master keys of ring and store.
    pub async fn status(&self) -> Result<CustodyState, CustodyError> {
        let ring = self.ring.reread().await?;
        let known = self.store.known().await?;
        let state = |known: KnownMasterKey| MasterKeyState {
            in_ring: in_ring(&ring, &known),
            active: known.id == *ring.active(),
            alarm: known.uses >= ALARM_USES && known.retired_at.is_none(),
            known,
        };
        let mut master_keys: Vec<MasterKeyState> = known.into_iter().map(state).collect();
        for (id, key) in ring.iter() {
            if !master_keys.iter().any(|state| state.known.id == *id) {
                let known =
                    KnownMasterKey { id: id.clone(), check: key.check(), uses: 0, sealing: 0, retired_at: None };
                let (active, in_ring) = (id == ring.active(), InRing::Same);
                master_keys.push(MasterKeyState { known, in_ring, active, alarm: false });
            }
        }
        master_keys.sort_by(|a, b| a.known.id.cmp(&b.known.id));
        Ok(CustodyState { master_keys })
    }

    /// Adds a new master key to the ring and makes it the one that seals; for [`Custody::rewrap`], which comes next. One that is
    /// stopped leaves at most a name behind that no key has.
    pub async fn renew(&self, actor: &Actor) -> Result<MasterKeyId, CustodyError> {
        self.extend(actor, KeyRing::rotated).await
    }

    /// Adds a new master key to the ring that does not seal yet: the ring can be brought to every machine before
    /// [`Custody::activate`].
    pub async fn prepare(&self, actor: &Actor) -> Result<MasterKeyId, CustodyError> {
        self.extend(actor, KeyRing::with).await
    }

    /// Makes a master key of the ring the one that seals; for [`Custody::rewrap`], which comes next.
    pub async fn activate(&self, id: &MasterKeyId) -> Result<(), CustodyError> {
        for _ in 0..ATTEMPTS {
            let ring = self.ring.reread().await?;
            let activated = ring.activated(id)?;
            not_retired(&self.store.known().await?, id)?;
            if self.ring.replace(&ring, &activated).await? {
                // Nothing is lost when somebody retired it in between: the store lets it seal nothing.
                return not_retired(&self.store.known().await?, id);
            }
        }
        Err(ring_moves().into())
    }

    async fn extend(&self, actor: &Actor, with: Extension) -> Result<MasterKeyId, CustodyError> {
        for _ in 0..ATTEMPTS {
            let ring = self.ring.reread().await?;
            let (id, key) = (self.name(&ring).await?, self.mint()?);
            // The store knows the key before anything is sealed with it. Who is slower takes the next name.
            if !self.register(actor, &id, &key).await? {
                continue;
            }
            if self.ring.replace(&ring, &with(&ring, id.clone(), key)?).await? {
                return Ok(id);
            }
        }
        Err(ring_moves().into())
    }

    fn mint(&self) -> Result<MasterKey, StoreError> {
        let key = MasterKey::new(self.ambient.random());
        key.ok_or_else(|| StoreError::broken("the source of randomness gives zeros"))
    }

    /// `k20261122`, or with a number behind it when there is, or ever was, one of that day.
    async fn name(&self, ring: &KeyRing) -> Result<MasterKeyId, StoreError> {
        let known = self.store.known().await?;
        let is_free = |id: &MasterKeyId| ring.get(id).is_none() && known.iter().all(|key| key.id != *id);
        let day = self.ambient.now().format("k%Y%m%d").to_string();
        let names = std::iter::once(day.clone()).chain((2..10_000).map(|n| format!("{day}-{n}")));
        let free = names.filter_map(|name| name.parse::<MasterKeyId>().ok()).find(is_free);
        free.ok_or_else(|| StoreError::broken("there are ten thousand master keys of today"))
    }

    /// Takes a master key out of the ring for good, if nothing is sealed with it.
    pub async fn retire(&self, actor: &Actor, id: &MasterKeyId) -> Result<(), CustodyError> {
        for _ in 0..ATTEMPTS {
            let ring = self.ring.reread().await?;
            let rest = ring.without(id).ok_or_else(|| CustodyError::NotRetirable(id.clone()))?;
            let record = Record::new(&self.ambient, actor, Action::MasterKeyRetired, "master_key", id);
            match self.store.retire(id, &record).await? {
                Retired::InUse(count) => return Err(CustodyError::InUse { id: id.clone(), count }),
                Retired::Retired | Retired::NotFound => {}
            }
            if self.ring.replace(&ring, &rest).await? {
                return Ok(());
            }
        }
        Err(ring_moves().into())
    }
}

/// Of a master key that only a row names the store was told nothing: then whatever the ring has is the key.
fn in_ring(ring: &KeyRing, known: &KnownMasterKey) -> InRing {
    match ring.get(&known.id) {
        None => InRing::Missing,
        Some(key) if known.check == [0; 16] || known.check == key.check() => InRing::Same,
        Some(_) => InRing::Different,
    }
}

/// Whether this master key may still seal, as far as the store knows.
pub(super) fn not_retired(known: &[KnownMasterKey], active: &MasterKeyId) -> Result<(), CustodyError> {
    let retired = known.iter().any(|key| key.id == *active && key.retired_at.is_some());
    if retired { Err(CustodyError::Retired(active.clone())) } else { Ok(()) }
}

fn ring_moves() -> StoreError {
    StoreError::unavailable("the ring was changed by others at the same time")
}
