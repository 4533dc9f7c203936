//! The ports of decisions and provider keys, each answering at once from memory what a warm cache would.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use byok_core::policy::seal;
use byok_core::{
    AuthStyle, Binding, Byok, ByokPorts, Deleted, Endpoint, Entitlement, Finding, Home, KeyFormat, KeyProbe, KeyRing,
    KeyStore, ProbeCall, Provider, ProviderId, ProviderKey, ProviderSecret, Providers, Put, Remembered, Resolution,
    RingHolder, TestRun, Trial, Upgrade, Verdict,
};
use kernel::{Ambient, Email, OrgId, Record, ServiceName, StoreError, Timestamp, UserId};
use plan_core::{
    Call, Catalogue, CatalogueStore, Decision, DecisionPorts, Held, OutagePolicy, OwnKeys, Owned, Pays, Plan,
    PlanCreated, PlanDraft, PlanId, PlanPatch, PlanRetired, PlanUpdated, QuotaStanding, Quotas, Rates, Room,
    ServiceDraft, Source, Subscription, SubscriptionPut, SubscriptionStatus, SubscriptionStore,
};

/// One organization on a plan with keys of its own, and its one key.
#[derive(Clone)]
pub struct Ports {
    warm: Arc<Warm>,
    byok: Byok,
    ambient: Ambient,
}

struct Warm {
    ring: Arc<KeyRing>,
    keys: Arc<Vec<ProviderKey>>,
    catalogue: Arc<Catalogue>,
    subscription: Subscription,
    standing: QuotaStanding,
    handed_out: AtomicU64,
}

impl Ports {
    pub fn new(ring: &KeyRing, place: &Binding, secret: &ProviderSecret, ambient: &Ambient) -> Self {
        let key = ProviderKey {
            id: place.id,
            org: place.org,
            provider: place.provider.clone(),
            version: place.version,
            master_key: ring.active().clone(),
            sealed: seal::seal(ring, place, secret, ambient).unwrap(),
            endpoint: None,
            label: None,
            tail: secret.tail(),
            fingerprint: secret.fingerprint(ring.fingerprint().expose()),
            added_at: ambient.now(),
            added_by: None,
            tested: None,
            last_used: None,
        };
        let subscription = Subscription {
            org: place.org,
            plan: "starter".parse().unwrap(),
            status: SubscriptionStatus::Active,
            source: Source::Administrator,
            anchor: ambient.now(),
            trial_ends_at: None,
            version: 1,
        };
        let left = Room { left: Some(1_000_000), unheld: Some(1_000_000), ends_at: ambient.now() };
        let warm = Arc::new(Warm {
            ring: Arc::new(ring.clone()),
            keys: Arc::new(vec![key]),
            catalogue: Arc::new(catalogue()),
            subscription,
            standing: QuotaStanding { month: left, day: left, user: Some(left), held_until: ambient.now() },
            handed_out: AtomicU64::new(0),
        });
        let ports = ByokPorts {
            keys: warm.clone(),
            ring: warm.clone(),
            probe: warm.clone(),
            entitlement: warm.clone(),
            providers: Arc::new(Providers::new([openai()])),
        };
        Self { byok: Byok::new(ports, ambient.clone()), warm, ambient: ambient.clone() }
    }

    pub fn resolution(&self) -> Resolution {
        Resolution::new(self.byok.clone())
    }

    pub fn decision(&self) -> Decision {
        let ports = DecisionPorts {
            catalogue: self.warm.clone(),
            subscriptions: self.warm.clone(),
            quotas: self.warm.clone(),
            rates: self.warm.clone(),
            keys: Arc::new(Paying(self.resolution())),
        };
        Decision::new(ports, "starter".parse().unwrap(), OutagePolicy::default(), self.ambient.clone())
    }

    pub fn call(&self) -> Call {
        let user = Some(UserId::mint(&self.ambient));
        Call { org: self.warm.subscription.org, user, service: "chat".parse().unwrap(), quantity: 1, reserve: None }
    }

    pub fn provider() -> ProviderId {
        "openai".parse().unwrap()
    }
}

fn openai() -> Provider {
    Provider {
        id: "openai".parse().unwrap(),
        name: "OpenAI".into(),
        docs_url: String::new(),
        key_format: KeyFormat { prefixes: Vec::new(), min_length: 10, max_length: 4096 },
        home: Home::Fixed(Endpoint::parse("https://api.openai.com").unwrap()),
        auth: AuthStyle::Bearer,
        headers: Vec::new(),
        probe: ProbeCall::None,
        refused_by: Vec::new(),
        says_nothing: Vec::new(),
        services: vec!["chat".parse().unwrap()],
    }
}

fn catalogue() -> Catalogue {
    let chat = ServiceDraft { service: "chat".into(), display_name: "Chat".into(), ..ServiceDraft::default() };
    let services = vec![chat.build().unwrap()];
    let values = PlanPatch {
        name: Some("Starter".into()),
        level: Some(2),
        price_monthly_cents: Some(1_900),
        price_yearly_cents: Some(19_000),
        api_calls_limit: Some(1_000_000),
        daily_limit: Some(-1),
        rate_limit: Some(1_000),
        concurrent_searches: Some(3),
        team_seats: Some(3),
        byok_enabled: Some(true),
        services: Some(vec!["chat".into()]),
        trial_days: Some(0),
        is_public: Some(true),
        ..PlanPatch::default()
    };
    let plan: Plan = PlanDraft { id: "starter".into(), values }.build(&services).unwrap();
    Catalogue::new(vec![plan], services)
}

/// Nobody asks this of a warm port.
fn never<T>() -> Result<T, StoreError> {
    Err(StoreError::broken("this benchmark does not ask for it"))
}

/// Who pays, as the application bridges it.
struct Paying(Resolution);

#[async_trait]
impl OwnKeys for Paying {
    async fn pays(&self, org: OrgId, service: &ServiceName) -> Result<Pays, StoreError> {
        match self.0.pays(org, service).await {
            Ok(true) => Ok(Pays::Byok),
            Ok(false) => Ok(Pays::Platform),
            Err(error) => Err(StoreError::broken(error)),
        }
    }
}

#[async_trait]
impl KeyStore for Warm {
    async fn put(&self, _: &ProviderKey, _: &[u8; 16], _: &Record) -> Result<Put, StoreError> {
        never()
    }

    async fn delete(&self, _: OrgId, _: &ProviderId, _: &Record) -> Result<Deleted, StoreError> {
        never()
    }

    async fn of(&self, org: OrgId, provider: &ProviderId) -> Result<Option<ProviderKey>, StoreError> {
        Ok(self.keys.iter().find(|key| key.org == org && key.provider == *provider).cloned())
    }

    async fn now(&self, _: OrgId, _: &ProviderId) -> Result<Option<ProviderKey>, StoreError> {
        never()
    }

    async fn list(&self, _: OrgId) -> Result<Arc<Vec<ProviderKey>>, StoreError> {
        Ok(self.keys.clone())
    }

    async fn tested(&self, _: &ProviderKey, _: TestRun, _: &Record) -> Result<Remembered, StoreError> {
        never()
    }

    async fn handed_out(&self, _: &ProviderKey, _: &Record) -> Result<bool, StoreError> {
        self.handed_out.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    async fn claim_untested(
        &self,
        _: Timestamp,
        _: Timestamp,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<ProviderKey>, StoreError> {
        never()
    }
}

#[async_trait]
impl RingHolder for Warm {
    fn ring(&self) -> Arc<KeyRing> {
        self.ring.clone()
    }

    async fn reread(&self) -> Result<Arc<KeyRing>, StoreError> {
        never()
    }

    async fn replace(&self, _: &KeyRing, _: &KeyRing) -> Result<bool, StoreError> {
        never()
    }
}

#[async_trait]
impl KeyProbe for Warm {
    async fn admits(&self, _: &Endpoint) -> bool {
        false
    }

    async fn probe(&self, _: Trial<'_>) -> Finding {
        Finding { verdict: Verdict::Error, message: String::new(), status_code: None, latency_ms: 0 }
    }
}

#[async_trait]
impl Entitlement for Warm {
    async fn byok(&self, _: OrgId) -> Result<Result<String, Upgrade>, StoreError> {
        Ok(Ok("starter".to_owned()))
    }
}

#[async_trait]
impl CatalogueStore for Warm {
    async fn read(&self) -> Result<Arc<Catalogue>, StoreError> {
        Ok(self.catalogue.clone())
    }

    async fn load(&self, _: &Catalogue, _: &Record) -> Result<bool, StoreError> {
        never()
    }

    async fn create(&self, _: &Plan, _: &Record) -> Result<PlanCreated, StoreError> {
        never()
    }

    async fn update(&self, _: &Plan, _: &Record) -> Result<PlanUpdated, StoreError> {
        never()
    }

    async fn retire(&self, _: &PlanId, _: &Record) -> Result<PlanRetired, StoreError> {
        never()
    }
}

#[async_trait]
impl SubscriptionStore for Warm {
    async fn of(&self, _: OrgId, _: &PlanId) -> Result<Option<Subscription>, StoreError> {
        Ok(Some(self.subscription.clone()))
    }

    async fn put(&self, _: &Subscription, _: &Record) -> Result<SubscriptionPut, StoreError> {
        never()
    }

    async fn owned_by(&self, _: &Email) -> Result<Option<Owned>, StoreError> {
        never()
    }
}

#[async_trait]
impl Quotas for Warm {
    async fn standing(&self, _: OrgId, _: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        Ok(self.standing)
    }

    async fn hold(&self, _: &Call, _: u32) -> Result<Held, StoreError> {
        never()
    }
}

#[async_trait]
impl Rates for Warm {
    async fn take(&self, _: OrgId, _: Option<UserId>, _: u64) -> Result<Result<(), Timestamp>, StoreError> {
        Ok(Ok(()))
    }
}
