//! The operations of plans, tiers and subscriptions over stores in memory, and people and services that call them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, test, web};
use async_trait::async_trait;
use auth_core::testing::{MemoryAuth, PlainHasher, Population as _, invented_user};
use auth_core::{ApiKey, Freshness, KeyName, Scope, Scopes, SessionRules, Sessions, User, Users};
use kernel::testing::{ManualClock, MemoryIdempotency, manual_ambient};
use kernel::{
    Action, Actor, Ambient, ApiKeyId, Email, Idempotency, Limit, OrgId, PlatformRole, Record, ServiceName, UserId,
};
use org_core::testing::{MemoryOrgs, Population as _};
use org_core::{Org, OrgName, OrgPorts, OrgStatus, OrgStore, Orgs, Settings, Slug};
use plan_core::testing::{MemoryPlans, Population as _, sample_catalogue};
use plan_core::{Access, Grants, PlanId, Plans};
use serde_json::Value;
use usage_core::testing::MemoryUsage;
use usage_core::{Allowance, Metering, Quantity, Report, Usage};

use crate::identify::{Identify, Identity};
use crate::problem::Problem;
use crate::routes::billing::tests::stage::Till;
use crate::routes::{admin, billing, compat, subscriptions, tier};
use crate::site::{Environment, Site};

pub(in crate::routes) const UPGRADE_URL: &str = "https://ops.example.com/upgrade";

/// Whoever sends `X-Test-Name` is the person, or the service, of that name.
#[derive(Clone, Default)]
struct Names {
    people: Arc<Mutex<HashMap<String, Identity>>>,
    keys: Arc<Mutex<HashMap<String, ApiKey>>>,
}

fn name(request: &HttpRequest) -> String {
    let name = request.headers().get("X-Test-Name").and_then(|value| value.to_str().ok());
    name.unwrap_or_default().to_owned()
}

#[async_trait(?Send)]
impl Identify for Names {
    async fn identify(&self, request: &HttpRequest, _: Freshness) -> Result<Option<Identity>, Problem> {
        Ok(self.people.lock().unwrap().get(&name(request)).cloned())
    }
    async fn service(&self, request: &HttpRequest) -> Result<Option<ApiKey>, Problem> {
        Ok(self.keys.lock().unwrap().get(&name(request)).cloned())
    }
}

/// An answer.
#[derive(Debug)]
pub(in crate::routes) struct Told {
    pub(in crate::routes) status: u16,
    pub(in crate::routes) headers: HeaderMap,
    pub(in crate::routes) body: Value,
    pub(in crate::routes) bytes: Vec<u8>,
}

impl Told {
    pub(in crate::routes) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// Which field is wrong, of a 422.
    pub(in crate::routes) fn pointer(&self) -> (u16, &str) {
        (self.status, self.body["errors"][0]["pointer"].as_str().unwrap_or_default())
    }

    pub(in crate::routes) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Everything that the operations ask for.
pub(in crate::routes) struct Stage {
    pub(in crate::routes) clock: Arc<ManualClock>,
    plans: Arc<MemoryPlans>,
    usage: Arc<MemoryUsage>,
    orgs: Arc<MemoryOrgs>,
    auth: Arc<MemoryAuth>,
    ambient: Ambient,
    names: Names,
    idempotency: Arc<dyn Idempotency>,
    pub(in crate::routes) till: Till,
}

impl Stage {
    pub(in crate::routes) fn new() -> Self {
        let (clock, ambient) = manual_ambient(7);
        Self {
            till: Till::new(&ambient),
            clock,
            plans: Arc::new(MemoryPlans::with(sample_catalogue())),
            usage: Arc::default(),
            orgs: Arc::new(MemoryOrgs::new()),
            auth: Arc::new(MemoryAuth::new()),
            ambient,
            names: Names::default(),
            idempotency: Arc::new(MemoryIdempotency::default()),
        }
    }

    /// Somebody who is signed in and acts nowhere: `NAME@example.com`.
    pub(in crate::routes) async fn person(&self, name: &str, role: PlatformRole) -> UserId {
        let address = format!("{name}@example.com");
        let id = self.orgs.user(&address, true).await;
        let email = Email::parse(&address).unwrap();
        self.auth.account(&User { id, email, role, ..invented_user(&self.ambient) }).await;
        self.act(name, Identity { user: id, org: None, role, session: None });
        id
    }

    /// The same, who owns an organization and acts in it. A month gives it 1 000 calls.
    pub(in crate::routes) async fn owner(&self, name: &str) -> OrgId {
        let user = self.person(name, PlatformRole::User).await;
        let now = self.ambient.now();
        let account = self.plans.user(&format!("{name}@example.com")).await;
        let id = self.plans.org(account, now).await;
        let org = Org {
            id,
            name: OrgName::parse("Acme").unwrap(),
            slug: Slug::parse(&format!("slug-{}", self.orgs.records().len())).unwrap(),
            status: OrgStatus::Active,
            created_at: now,
            settings: Settings::default(),
        };
        let record = Record::new(&self.ambient, &Actor::system(), Action::OrgCreated, "organization", id).within(id);
        OrgStore::create(&*self.orgs, &org, user, &record).await.unwrap();
        let (monthly, other) = (Limit::Of(1_000), Limit::Unlimited);
        let allowance = Allowance { tier: "free".to_owned(), monthly, daily: other, per_user: other, anchor: now };
        self.usage.set_allowance(id, &allowance);
        self.act(name, Identity { user, org: Some(id), role: PlatformRole::User, session: None });
        id
    }

    fn act(&self, name: &str, identity: Identity) {
        self.names.people.lock().unwrap().insert(name.to_owned(), identity);
    }

    /// A service with a key of this organization.
    pub(in crate::routes) fn service(&self, name: &str, org: OrgId, scopes: &[Scope], platform: bool) {
        let key = ApiKey {
            id: ApiKeyId::mint(&self.ambient),
            org,
            name: KeyName::parse(name).unwrap(),
            scopes: Scopes::new(scopes.iter().copied()).unwrap(),
            platform,
            preview: "x9Qw".to_owned(),
            created_at: self.ambient.now(),
            expires_at: None,
            last_used: None,
            revoked_at: None,
        };
        self.names.keys.lock().unwrap().insert(name.to_owned(), key);
    }

    /// Uses up so many calls.
    pub(in crate::routes) async fn spend(&self, org: OrgId, calls: u64) {
        let metering = Metering::new(self.usage.clone(), self.ambient.clone());
        let service: ServiceName = "chat".parse().unwrap();
        let report = Report { quantity: Quantity::new(calls).unwrap(), ..Report::new(org, service) };
        metering.track(report).await.unwrap();
    }

    pub(in crate::routes) fn mount(&self, cfg: &mut web::ServiceConfig) {
        let free: PlanId = "free".parse().unwrap();
        let (plans, auth, ambient) = (&self.plans, &self.auth, &self.ambient);
        let ports = OrgPorts { orgs: self.orgs.clone(), members: self.orgs.clone(), entitlements: self.orgs.clone() };
        let access = Access::new(plans.clone(), plans.clone(), free.clone(), UPGRADE_URL.to_owned(), ambient.clone());
        let rules = SessionRules::default();
        let sessions = Sessions::new(auth.clone(), auth.clone(), auth.clone(), ambient.clone(), rules);
        let hasher = Arc::new(PlainHasher::default());
        let identify: Arc<dyn Identify> = Arc::new(self.names.clone());
        cfg.app_data(web::Data::new(site()))
            .app_data(web::Data::new(identify))
            .app_data(web::Data::new(Plans::new(plans.clone(), free.clone(), ambient.clone())))
            .app_data(web::Data::new(access))
            .app_data(web::Data::new(Grants::new(plans.clone(), plans.clone(), free, ambient.clone())))
            .app_data(web::Data::new(Usage::new(self.usage.clone(), ambient.clone())))
            .app_data(web::Data::new(Users::new(auth.clone(), auth.clone(), hasher, sessions, ambient.clone())))
            .app_data(web::Data::new(Orgs::new(ports, ambient.clone())))
            .app_data(web::Data::new(self.till.billing()))
            .app_data(web::Data::new(self.till.webhooks()))
            .app_data(web::Data::new(self.idempotency.clone()))
            .app_data(web::Data::new(ambient.clone()));
        let areas = [
            subscriptions::endpoints(),
            tier::endpoints(),
            admin::endpoints(),
            billing::endpoints(),
            compat::endpoints(),
        ];
        let rows: Vec<_> = areas.into_iter().flatten().collect();
        crate::app::mount(cfg, &rows);
    }

    /// Calls an operation, `"METHOD path"` below `/api/v1`, as the one of this name; nobody has an empty name.
    pub(in crate::routes) async fn ask(&self, name: &str, operation: &str, body: Option<Value>) -> Told {
        self.ask_with(name, operation, body, ("X-Nothing", "")).await
    }

    /// The same, with a header.
    pub(in crate::routes) async fn ask_with(
        &self,
        name: &str,
        operation: &str,
        body: Option<Value>,
        header: (&str, &str),
    ) -> Told {
        let (method, path) = operation.split_once(' ').unwrap();
        let request = test::TestRequest::with_uri(&format!("/api/v1{path}")).method(method.parse().unwrap());
        let mut request = request.insert_header(("X-Test-Name", name)).insert_header(header);
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let app = test::init_service(App::new().configure(|cfg| self.mount(cfg))).await;
        let answer = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = test::read_body(answer).await.to_vec();
        Told { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default(), bytes }
    }

    pub(in crate::routes) async fn get(&self, name: &str, path: &str) -> Told {
        self.ask(name, &format!("GET {path}"), None).await
    }
}

fn site() -> Site {
    Site {
        public_url: "http://localhost".to_owned(),
        origins: vec!["http://localhost".to_owned()],
        secure: false,
        trusted_proxies: Vec::new(),
        deadline: Duration::from_secs(30),
        version: "test",
        environment: Environment::Development,
    }
}
