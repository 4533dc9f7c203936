//! One installation in memory with the sample providers, whose clock is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use byok_core::testing::{
    MemoryEntitlement, MemoryKeys, MemoryNotices, MemoryProbe, MemoryRing, World as _, sample_providers, sample_ring,
};
use byok_core::{
    Byok, ByokError, ByokPorts, Custody, Endpoint, KeyStatus, KeyStore, KeyView, NewKey, ProviderId, ProviderKey,
    ProviderSecret, Providers, Resolution, Resolved, Stored, Watch,
};
use chrono::TimeDelta;
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Action, Actor, Ambient, OrgId, Record};
use secrecy::SecretString;

pub(crate) const SECRET: &str = "sk-0123456789abcdefghij-WXYZ";
pub(crate) const OTHER: &str = "sk-zyxwvutsrqponmlkjihg-9876";
pub(crate) const HOME: &str = "https://models.example.com/v1";
pub(crate) const DAY: Duration = Duration::from_hours(24);

pub(crate) struct World {
    pub(crate) memory: Arc<MemoryKeys>,
    pub(crate) ring: Arc<MemoryRing>,
    pub(crate) probe: Arc<MemoryProbe>,
    pub(crate) plans: Arc<MemoryEntitlement>,
    pub(crate) notices: Arc<MemoryNotices>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ambient: Ambient,
    pub(crate) byok: Byok,
    pub(crate) resolution: Resolution,
    pub(crate) custody: Custody,
    pub(crate) watch: Watch,
    pub(crate) org: OrgId,
}

impl World {
    /// A checked installation with the ring `k1`, and an organization on a plan with keys.
    pub(crate) async fn new(seed: u64) -> Self {
        Self::with(seed, sample_providers()).await
    }

    pub(crate) async fn with(seed: u64, providers: Providers) -> Self {
        let (clock, ambient) = manual_ambient(seed);
        let memory = Arc::new(MemoryKeys::new());
        let ring = Arc::new(MemoryRing::new(sample_ring(&ambient, &["k1"])));
        let (probe, plans) = (Arc::new(MemoryProbe::new()), Arc::new(MemoryEntitlement::new()));
        let notices = Arc::new(MemoryNotices::new());
        let ports = ByokPorts {
            keys: memory.clone(),
            ring: ring.clone(),
            probe: probe.clone(),
            entitlement: plans.clone(),
            providers: Arc::new(providers),
        };
        let byok = Byok::new(ports, ambient.clone());
        let custody = Custody::new(memory.clone(), ring.clone(), ambient.clone());
        custody.check(&Actor::system()).await.unwrap();
        let org = memory.org().await;
        Self {
            resolution: Resolution::new(byok.clone()),
            watch: Watch::new(byok.clone(), notices.clone(), TimeDelta::days(1)),
            memory,
            ring,
            probe,
            plans,
            notices,
            clock,
            ambient,
            byok,
            custody,
            org,
        }
    }

    /// The use cases of the same installation over other ports.
    pub(crate) fn over(&self, change: impl FnOnce(&mut ByokPorts)) -> Byok {
        let mut ports = ByokPorts {
            keys: self.memory.clone(),
            ring: self.ring.clone(),
            probe: self.probe.clone(),
            entitlement: self.plans.clone(),
            providers: Arc::new(sample_providers()),
        };
        change(&mut ports);
        Byok::new(ports, self.ambient.clone())
    }

    pub(crate) async fn add(&self, provider: &str, secret: &str) -> Result<Stored, ByokError> {
        self.byok.add(&Actor::system(), self.org, new(provider, secret, None)).await
    }

    pub(crate) async fn add_at(&self, provider: &str, endpoint: &str) -> Result<Stored, ByokError> {
        self.byok.add(&Actor::system(), self.org, new(provider, SECRET, Some(endpoint))).await
    }

    pub(crate) async fn resolve(&self, provider: &str) -> Result<Resolved, ByokError> {
        self.resolution.resolve(&Actor::system(), self.org, &id(provider)).await
    }

    /// What a service gets.
    pub(crate) async fn secret(&self, provider: &str) -> String {
        self.resolve(provider).await.unwrap().secret.expose().to_owned()
    }

    pub(crate) async fn stored(&self, provider: &str) -> ProviderKey {
        self.memory.now(self.org, &id(provider)).await.unwrap().unwrap()
    }

    pub(crate) async fn list(&self) -> Vec<KeyView> {
        self.byok.list(self.org).await.unwrap()
    }

    pub(crate) async fn statuses(&self) -> Vec<(String, KeyStatus)> {
        self.list().await.into_iter().map(|view| (view.key.provider.to_string(), view.status)).collect()
    }

    pub(crate) fn records(&self, action: Action) -> Vec<Record> {
        self.memory.records().into_iter().filter(|record| record.action == action).collect()
    }
}

pub(crate) fn id(provider: &str) -> ProviderId {
    provider.parse().unwrap()
}

pub(crate) fn secret(text: &str) -> ProviderSecret {
    ProviderSecret::parse(SecretString::from(text.to_owned())).unwrap()
}

pub(crate) fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text).unwrap()
}

pub(crate) fn new(provider: &str, key: &str, at: Option<&str>) -> NewKey {
    NewKey { provider: id(provider), secret: secret(key), label: None, endpoint: at.map(endpoint) }
}
