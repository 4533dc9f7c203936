use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::{OrgId, StoreError};

use crate::{
    Endpoint, Entitlement, Finding, KeyNotice, KeyProbe, KeyRing, Provider, ProviderId, ProviderKey, RingHolder, Trial,
    Upgrade, Verdict,
};

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn down() -> StoreError {
    StoreError::unavailable("the double is down")
}

/// [`RingHolder`] in memory: a file that several processes read, and what this one read last.
pub struct MemoryRing {
    file: Arc<Mutex<Arc<KeyRing>>>,
    read: Mutex<Arc<KeyRing>>,
    broken: Mutex<bool>,
    rereads: Mutex<u64>,
}

impl MemoryRing {
    /// Holds this ring.
    pub fn new(ring: KeyRing) -> Self {
        let ring = Arc::new(ring);
        Self::over(Arc::new(Mutex::new(ring.clone())), ring)
    }

    /// The holder of another process over the same file.
    #[must_use]
    pub fn of_another_process(&self) -> Self {
        let read = lock(&self.file).clone();
        Self::over(self.file.clone(), read)
    }

    fn over(file: Arc<Mutex<Arc<KeyRing>>>, read: Arc<KeyRing>) -> Self {
        Self { file, read: Mutex::new(read), broken: Mutex::default(), rereads: Mutex::default() }
    }

    /// How often this process read the file again, or tried to.
    pub fn rereads(&self) -> u64 {
        *lock(&self.rereads)
    }

    /// Puts another file in the place of the ring's, as a hand would.
    pub fn put(&self, ring: KeyRing) {
        *lock(&self.file) = Arc::new(ring);
    }

    /// From now on the ring can neither be read again nor replaced.
    pub fn break_down(&self, down: bool) {
        *lock(&self.broken) = down;
    }

    fn up(&self) -> Result<(), StoreError> {
        if *lock(&self.broken) { Err(down()) } else { Ok(()) }
    }
}

#[async_trait]
impl RingHolder for MemoryRing {
    fn ring(&self) -> Arc<KeyRing> {
        lock(&self.read).clone()
    }

    async fn reread(&self) -> Result<Arc<KeyRing>, StoreError> {
        *lock(&self.rereads) += 1;
        self.up()?;
        let ring = lock(&self.file).clone();
        *lock(&self.read) = ring.clone();
        Ok(ring)
    }

    async fn replace(&self, read: &KeyRing, ring: &KeyRing) -> Result<bool, StoreError> {
        self.up()?;
        let mut file = lock(&self.file);
        if **file != *read {
            return Ok(false);
        }
        *file = Arc::new(ring.clone());
        *lock(&self.read) = file.clone();
        Ok(true)
    }
}

/// What a provider was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Which one.
    pub provider: ProviderId,
    /// Where.
    pub endpoint: Endpoint,
    /// With which key.
    pub secret: String,
}

/// [`KeyProbe`] that says what it was told to say; a good key without that. Admits every address but those it was told to refuse.
#[derive(Default)]
pub struct MemoryProbe(Mutex<Probes>);

#[derive(Default)]
struct Probes {
    script: VecDeque<Finding>,
    forbidden: HashSet<String>,
    probed: Vec<Probed>,
}

impl MemoryProbe {
    /// Takes every key.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it says next, once for each.
    pub fn say(&self, verdicts: impl IntoIterator<Item = (Verdict, Option<u16>)>) {
        let finding = |(verdict, status)| finding(verdict, status);
        lock(&self.0).script.extend(verdicts.into_iter().map(finding));
    }

    /// From now on nobody may name this address.
    pub fn forbid(&self, endpoint: &Endpoint) {
        lock(&self.0).forbidden.insert(endpoint.as_str().to_owned());
    }

    /// What was asked, the first first.
    pub fn probed(&self) -> Vec<Probed> {
        lock(&self.0).probed.clone()
    }
}

fn finding(verdict: Verdict, status_code: Option<u16>) -> Finding {
    Finding { verdict, message: format!("the double says {}", verdict.as_str()), status_code, latency_ms: 1 }
}

#[async_trait]
impl KeyProbe for MemoryProbe {
    async fn admits(&self, endpoint: &Endpoint) -> bool {
        !lock(&self.0).forbidden.contains(endpoint.as_str())
    }

    async fn probe(&self, trial: Trial<'_>) -> Finding {
        let mut state = lock(&self.0);
        state.probed.push(Probed {
            provider: trial.provider.id.clone(),
            endpoint: trial.endpoint.clone(),
            secret: trial.secret.expose().to_owned(),
        });
        state.script.pop_front().unwrap_or_else(|| finding(Verdict::Valid, Some(200)))
    }
}

/// [`Entitlement`]: every organization is on the plan `starter`, which gives keys, until it is moved to `free`, which does not.
#[derive(Default)]
pub struct MemoryEntitlement(Mutex<HashMap<OrgId, bool>>, Mutex<bool>);

impl MemoryEntitlement {
    /// Everybody has a plan with keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the organization's plan gives keys from now on.
    pub fn give(&self, org: OrgId, gives: bool) {
        lock(&self.0).insert(org, gives);
    }

    /// From now on no plan can be read.
    pub fn break_down(&self, down: bool) {
        *lock(&self.1) = down;
    }
}

#[async_trait]
impl Entitlement for MemoryEntitlement {
    async fn byok(&self, org: OrgId) -> Result<Result<String, Upgrade>, StoreError> {
        if *lock(&self.1) {
            return Err(down());
        }
        let upgrade = || Upgrade {
            plan: "free".to_owned(),
            required: Some("starter".to_owned()),
            url: "https://ops.example.com/upgrade".to_owned(),
        };
        let gives = lock(&self.0).get(&org).copied().unwrap_or(true);
        Ok(if gives { Ok("starter".to_owned()) } else { Err(upgrade()) })
    }
}

/// [`KeyNotice`] that remembers what people were told.
#[derive(Default)]
pub struct MemoryNotices(Mutex<Vec<(OrgId, ProviderId)>>, Mutex<bool>);

impl MemoryNotices {
    /// Nobody was told anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The organizations that were told, and of a key at which provider; the first first.
    pub fn told(&self) -> Vec<(OrgId, ProviderId)> {
        lock(&self.0).clone()
    }

    /// From now on nobody can be told anything.
    pub fn break_down(&self, down: bool) {
        *lock(&self.1) = down;
    }
}

#[async_trait]
impl KeyNotice for MemoryNotices {
    async fn rejected(&self, key: &ProviderKey, provider: &Provider) -> Result<(), StoreError> {
        if *lock(&self.1) {
            return Err(down());
        }
        lock(&self.0).push((key.org, provider.id.clone()));
        Ok(())
    }
}
