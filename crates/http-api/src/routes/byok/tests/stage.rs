//! Two organizations with their people and their keys in memory, and requests to the operations on keys.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpRequest, test, web};
use async_trait::async_trait;
use auth_core::testing::{MemoryAuth, Population as _, invented_user};
use auth_core::{ApiKey, ApiKeys, Freshness, KeyName, User};
use byok_core::testing::{
    MemoryEntitlement, MemoryKeys, MemoryProbe, MemoryRing, World as _, sample_providers, sample_ring,
};
use byok_core::{Byok, ByokPorts, Custody, NewKey, ProviderKey, ProviderSecret, Resolution};
use kernel::testing::{MemoryIdempotency, manual_ambient};
use kernel::{Action, Actor, Ambient, ApiKeyId, Idempotency, OrgId, PlatformRole, Record, Role, Timestamp, UserId};
use org_core::testing::{MemoryOrgs, Population as _};
use org_core::{MemberStore, Org, OrgName, OrgPorts, OrgStatus, OrgStore, Orgs, Settings, Slug};
use plan_core::Plans;
use plan_core::testing::{MemoryPlans, sample_catalogue};
use serde_json::Value;

use crate::idempotency::KeyedIdempotency;
use crate::identify::{Identify, Identity};
use crate::problem::Problem;
use crate::routes::byok;
use crate::site::{Environment, Site};

/// The text of every key that is stored here.
pub(super) const CANARY: &str = "sk-canary-0123456789abcdef";

/// Who asks.
#[derive(Clone, Copy)]
pub(super) enum Who {
    Nobody,
    /// The user, in the organization that they are in.
    Person(UserId, OrgId),
    /// A key of the organization with these scopes.
    Key(OrgId, &'static str),
    /// A key of the platform with these scopes, of this organization.
    PlatformKey(OrgId, &'static str),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) text: String,
    headers: Vec<(String, String)>,
}

impl Told {
    pub(super) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Believes what the test says.
struct Claimed(Ambient);

#[async_trait(?Send)]
impl Identify for Claimed {
    async fn identify(&self, request: &HttpRequest, _: Freshness) -> Result<Option<Identity>, Problem> {
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        Ok(text("X-Test-User").map(|user| Identity {
            user: user.parse().unwrap(),
            org: text("X-Test-Org").map(|org| org.parse().unwrap()),
            role: PlatformRole::User,
            session: None,
        }))
    }
    async fn service(&self, request: &HttpRequest) -> Result<Option<ApiKey>, Problem> {
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let Some(scopes) = text("X-Test-Key") else { return Ok(None) };
        Ok(Some(ApiKey {
            id: ApiKeyId::mint(&self.0),
            org: text("X-Test-Org").unwrap().parse().unwrap(),
            name: KeyName::parse("gateway").unwrap(),
            scopes: scopes.parse().unwrap(),
            platform: text("X-Test-Platform").is_some(),
            preview: "x9Qw".to_owned(),
            created_at: self.0.now(),
            expires_at: None,
            last_used: None,
            revoked_at: None,
        }))
    }
}

/// The use cases over doubles, and a hand on each of them.
pub(in crate::routes) struct Safe {
    pub(in crate::routes) byok: Byok,
    keys: Arc<MemoryKeys>,
    ring: Arc<MemoryRing>,
    probe: Arc<MemoryProbe>,
    plans: Arc<MemoryEntitlement>,
}

impl Safe {
    pub(in crate::routes) fn new(ambient: &Ambient) -> Self {
        let (keys, probe) = (Arc::new(MemoryKeys::new()), Arc::new(MemoryProbe::new()));
        let ring = Arc::new(MemoryRing::new(sample_ring(ambient, &["k1"])));
        let plans = Arc::new(MemoryEntitlement::new());
        let ports = ByokPorts {
            keys: keys.clone(),
            ring: ring.clone(),
            probe: probe.clone(),
            entitlement: plans.clone(),
            providers: Arc::new(sample_providers()),
        };
        Self { byok: Byok::new(ports, ambient.clone()), keys, ring, probe, plans }
    }

    /// Makes the master key known: from now on keys can be stored.
    async fn open(&self, ambient: &Ambient) {
        let custody = Custody::new(self.keys.clone(), self.ring.clone(), ambient.clone());
        custody.check(&Actor::system()).await.unwrap();
    }

    /// Keeps a key of the organization at this provider.
    pub(in crate::routes) async fn store(&self, ambient: &Ambient, org: OrgId, provider: &str) {
        self.open(ambient).await;
        let secret = ProviderSecret::parse(CANARY.into()).unwrap();
        let new = NewKey { provider: provider.parse().unwrap(), secret, label: None, endpoint: None };
        self.byok.add(&Actor::system(), org, new).await.unwrap();
    }
}

pub(super) struct Stage {
    pub(super) keys: Arc<MemoryKeys>,
    pub(super) probe: Arc<MemoryProbe>,
    pub(super) plans: Arc<MemoryEntitlement>,
    pub(super) owner: UserId,
    pub(super) org: OrgId,
    ambient: Ambient,
    auth: Arc<MemoryAuth>,
    orgs: Arc<MemoryOrgs>,
    byok: Byok,
    idempotency: Arc<MemoryIdempotency>,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let (_, ambient) = manual_ambient(7);
        let safe = Safe::new(&ambient);
        safe.open(&ambient).await;
        let Safe { byok, keys, probe, plans, .. } = safe;
        let mut stage = Self {
            owner: UserId::mint(&ambient),
            org: OrgId::mint(&ambient),
            auth: Arc::new(MemoryAuth::new()),
            orgs: Arc::new(MemoryOrgs::new()),
            byok,
            idempotency: Arc::default(),
            keys,
            probe,
            plans,
            ambient,
        };
        (stage.org, stage.owner) = stage.found("ada").await;
        stage
    }

    pub(super) fn now(&self) -> Timestamp {
        self.ambient.now()
    }

    /// The owner, in their organization.
    pub(super) const fn owner(&self) -> Who {
        Who::Person(self.owner, self.org)
    }

    /// An organization, and its owner.
    pub(super) async fn found(&self, owner: &str) -> (OrgId, UserId) {
        let owner = self.user(owner).await;
        let id = self.auth.org(owner, self.now()).await;
        let org = Org {
            id,
            name: OrgName::parse("Acme").unwrap(),
            slug: Slug::parse(&format!("slug-{}", self.orgs.records().len())).unwrap(),
            status: OrgStatus::Active,
            created_at: self.now(),
            settings: Settings::default(),
        };
        OrgStore::create(&*self.orgs, &org, owner, &self.record(id)).await.unwrap();
        self.keys.seat(id, owner, Role::Owner).await;
        (id, owner)
    }

    async fn user(&self, name: &str) -> UserId {
        let id = self.orgs.user(&format!("{name}@example.com"), true).await;
        self.auth.account(&User { id, ..invented_user(&self.ambient) }).await;
        id
    }

    /// Somebody with this role in the organization.
    pub(super) async fn somebody(&self, role: Role) -> Who {
        let user = self.user(role.as_str()).await;
        MemberStore::add(&*self.orgs, self.org, user, role, 100, &self.record(self.org)).await.unwrap();
        self.keys.seat(self.org, user, role).await;
        Who::Person(user, self.org)
    }

    fn record(&self, org: OrgId) -> Record {
        Record::new(&self.ambient, &Actor::system(), Action::OrgCreated, "organization", org).within(org)
    }

    /// What is kept at this provider.
    pub(super) async fn kept(&self, provider: &str) -> Option<ProviderKey> {
        byok_core::KeyStore::now(&*self.keys, self.org, &provider.parse().unwrap()).await.unwrap()
    }

    fn mount(&self, cfg: &mut web::ServiceConfig) {
        let site = Site {
            public_url: "http://localhost".to_owned(),
            origins: vec!["http://localhost".to_owned()],
            secure: false,
            trusted_proxies: Vec::new(),
            deadline: Duration::from_secs(30),
            version: "test",
            environment: Environment::Development,
        };
        let (auth, orgs, ambient) = (self.auth.clone(), self.orgs.clone(), self.ambient.clone());
        let identify: Arc<dyn Identify> = Arc::new(Claimed(ambient.clone()));
        let idempotency: Arc<dyn Idempotency> = Arc::new(KeyedIdempotency::new(self.idempotency.clone(), &[7; 32]));
        let ports = OrgPorts { orgs: orgs.clone(), members: orgs.clone(), entitlements: orgs };
        let catalogue = Arc::new(MemoryPlans::with(sample_catalogue()));
        cfg.app_data(web::Data::new(site))
            .app_data(web::Data::new(identify))
            .app_data(web::Data::new(idempotency))
            .app_data(web::Data::new(ApiKeys::new(auth.clone(), auth.clone(), auth, ambient.clone())))
            .app_data(web::Data::new(Orgs::new(ports, ambient.clone())))
            .app_data(web::Data::new(Plans::new(catalogue, "free".parse().unwrap(), ambient.clone())))
            .app_data(web::Data::new(self.byok.clone()))
            .app_data(web::Data::new(Resolution::new(self.byok.clone())))
            .app_data(web::Data::new(ambient));
        crate::app::mount(cfg, &byok::endpoints());
    }

    /// Calls an operation, `"METHOD path"`.
    pub(super) async fn call(&self, by: Who, operation: &str, body: Option<Value>) -> Told {
        self.send(by, operation, &[], body.map(|body| body.to_string()).unwrap_or_default()).await
    }

    /// Calls an operation with these headers and this body.
    pub(super) async fn send(&self, by: Who, operation: &str, headers: &[(&str, &str)], body: String) -> Told {
        let (method, path) = operation.split_once(' ').unwrap();
        let mut request = test::TestRequest::with_uri(path).method(method.parse().unwrap());
        request = match by {
            Who::Nobody => request,
            Who::Person(user, org) => {
                request.insert_header(("X-Test-User", user.to_string())).insert_header(("X-Test-Org", org.to_string()))
            }
            Who::Key(org, scopes) => {
                request.insert_header(("X-Test-Key", scopes)).insert_header(("X-Test-Org", org.to_string()))
            }
            Who::PlatformKey(org, scopes) => request
                .insert_header(("X-Test-Key", scopes))
                .insert_header(("X-Test-Org", org.to_string()))
                .insert_header(("X-Test-Platform", "")),
        };
        request = headers.iter().fold(request, |request, header| request.append_header(*header));
        if !body.is_empty() {
            request = request.insert_header(("Content-Type", "application/json")).set_payload(body);
        }
        let app = test::init_service(App::new().configure(|cfg| self.mount(cfg))).await;
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let bytes = test::read_body(answer).await;
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Told { status, body: serde_json::from_str(&text).unwrap_or_default(), text, headers }
    }
}
