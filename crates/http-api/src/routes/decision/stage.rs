//! One organization, its owner, its keys and its ledger in memory, and requests to the operations on decisions and tiers.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, test, web};
use async_trait::async_trait;
use auth_core::testing::{MemoryAuth, PlainHasher, Population as _, invented_user};
use auth_core::{ApiKey, ApiKeys, Freshness, KeyName, SessionRules, Sessions, User, Users};
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{
    Action, Actor, Ambient, ApiKeyId, Email, OrgId, PlatformRole, Record, ServiceName, StoreError, Timestamp, UserId,
};
use org_core::testing::{MemoryOrgs, Population as _};
use org_core::{Org, OrgName, OrgPorts, OrgStatus, OrgStore, Orgs, Settings, Slug};
use plan_core::testing::{MemoryPlans, sample_catalogue};
use plan_core::{
    Access, Call, Decision, DecisionPorts, Held, OutagePolicy, Owned, PlanId, Plans, QuotaStanding, Quotas, Room,
    Source, Subscription, SubscriptionPut, SubscriptionStatus, SubscriptionStore,
};
use serde_json::Value;
use usage_core::testing::{MemoryLimiter, MemoryUsage};
use usage_core::{
    Allowance, Bucket, Count, Lease, Metering, Quantity, Rate, RateLimiter, Report, Taken, Tally, Usage, UsageError,
};

use crate::identify::{Identify, Identity};
use crate::problem::Problem;
use crate::rate_limit::{Class, RateLimits, Subject};
use crate::routes::{decision, tier_check, usage};
use crate::site::{Environment, Site};

/// Where people choose another plan.
pub(in crate::routes) const UPGRADE_URL: &str = "https://ops.example.com/upgrade";

/// Who asks.
#[derive(Clone, Copy)]
pub(in crate::routes) enum Who {
    Nobody,
    /// The owner, in the organization.
    Owner,
    /// The owner, in no organization.
    Homeless,
    /// A key of the organization with these scopes.
    Key(&'static str),
    /// A key of another organization with these scopes.
    OtherKey(&'static str),
    /// A key of the platform with these scopes.
    PlatformKey(&'static str),
}

/// An answer.
#[derive(Debug)]
pub(in crate::routes) struct Told {
    pub(in crate::routes) status: u16,
    pub(in crate::routes) body: Value,
    headers: Vec<(String, String)>,
}

impl Told {
    pub(in crate::routes) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    pub(in crate::routes) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Plan, state, and what was used, is given and is left; empty what was not told.
    pub(in crate::routes) fn gauge(&self) -> [&str; 5] {
        let names = ["x-tier", "x-tier-status", "x-api-calls-used", "x-api-calls-limit", "x-api-calls-remaining"];
        names.map(|name| self.header(name).unwrap_or_default())
    }
}

/// Every organization is on one plan, and the decision's quotas are the ledger's.
struct World {
    plan: Mutex<PlanId>,
    anchor: Timestamp,
    usage: Usage,
    metering: Metering,
}

#[async_trait]
impl SubscriptionStore for World {
    async fn of(&self, org: OrgId, _: &PlanId) -> Result<Option<Subscription>, StoreError> {
        Ok(Some(Subscription {
            org,
            plan: self.plan.lock().unwrap().clone(),
            status: SubscriptionStatus::Active,
            source: Source::Administrator,
            anchor: self.anchor,
            trial_ends_at: None,
            version: 1,
        }))
    }
    async fn put(&self, _: &Subscription, _: &Record) -> Result<SubscriptionPut, StoreError> {
        Err(StoreError::broken("nothing is changed here"))
    }
    async fn owned_by(&self, _: &Email) -> Result<Option<Owned>, StoreError> {
        Ok(None)
    }
}

fn standing(tally: &Tally) -> QuotaStanding {
    let room = |count: Count| Room {
        left: count.remaining(),
        unheld: count.limit.remaining(count.used),
        ends_at: count.period.end,
    };
    let (month, day, user) = (room(tally.month), room(tally.day), tally.user.map(room));
    QuotaStanding { month, day, user, held_until: month.ends_at }
}

fn fault(error: UsageError) -> StoreError {
    match error {
        UsageError::Store(error) => error,
        other => StoreError::broken(other),
    }
}

#[async_trait]
impl Quotas for World {
    async fn standing(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        Ok(standing(&self.usage.tally(org, user).await.map_err(fault)?))
    }
    async fn hold(&self, call: &Call, seconds: u32) -> Result<Held, StoreError> {
        let quantity = Quantity::new(call.quantity).map_err(StoreError::broken)?;
        let lease = Lease { org: call.org, user: call.user, service: call.service.clone(), quantity, seconds };
        match self.metering.hold(lease).await {
            Ok(held) => Ok(Held::Held(held.id, standing(&held.tally))),
            Err(UsageError::QuotaExceeded(_, tally)) => Ok(Held::OverLimit(standing(&tally))),
            Err(UsageError::TooManyReservations(first_end)) => Ok(Held::TooMany(first_end)),
            Err(other) => Err(fault(other)),
        }
    }
}

/// Ten requests a minute for everybody, and six hundred for keys of the platform.
struct Ten(MemoryLimiter);

fn bucket(who: &Subject, class: Class) -> (Bucket, Rate) {
    let key = who.key.map(|key| key.id.to_string()).or(who.user.map(|user| user.to_string())).unwrap();
    let quota = if who.key.is_some_and(|key| key.platform) { 600 } else { 10 };
    (Bucket { policy: class.policy(), key }, Rate::per_minute(NonZeroU32::new(quota).unwrap()))
}

#[async_trait]
impl RateLimits for Ten {
    async fn of(&self, who: &Subject, class: Class) -> Result<Option<Taken>, Problem> {
        let (bucket, rate) = bucket(who, class);
        Ok(Some(self.0.take(&bucket, rate, 1).await?))
    }
    async fn peek(&self, who: &Subject, class: Class) -> Result<Option<Taken>, Problem> {
        let (bucket, rate) = bucket(who, class);
        Ok(Some(self.0.peek(&bucket, rate).await?))
    }
}

/// Believes what the test says.
#[derive(Clone)]
struct Claimed {
    owner: UserId,
    org: OrgId,
    other: OrgId,
    key: ApiKeyId,
    at: Timestamp,
}

#[async_trait(?Send)]
impl Identify for Claimed {
    async fn identify(&self, request: &HttpRequest, _: Freshness) -> Result<Option<Identity>, Problem> {
        let org = request.headers().get("X-Test-Session").map(|value| value == "home");
        Ok(org.map(|home| Identity {
            user: self.owner,
            org: home.then_some(self.org),
            role: PlatformRole::User,
            session: None,
        }))
    }
    async fn service(&self, request: &HttpRequest) -> Result<Option<ApiKey>, Problem> {
        let Some(scopes) = request.headers().get("X-Test-Key") else { return Ok(None) };
        Ok(Some(ApiKey {
            id: self.key,
            org: if request.headers().contains_key("X-Test-Other") { self.other } else { self.org },
            name: KeyName::parse("gateway").unwrap(),
            scopes: scopes.to_str().unwrap().parse().unwrap(),
            platform: request.headers().contains_key("X-Test-Platform"),
            preview: "x9Qw".to_owned(),
            created_at: self.at,
            expires_at: None,
            last_used: None,
            revoked_at: None,
        }))
    }
}

pub(in crate::routes) struct Stage {
    pub(in crate::routes) plans: Arc<MemoryPlans>,
    pub(in crate::routes) usage: Arc<MemoryUsage>,
    pub(in crate::routes) clock: Arc<ManualClock>,
    pub(in crate::routes) ambient: Ambient,
    pub(in crate::routes) owner: User,
    pub(in crate::routes) org: OrgId,
    auth: Arc<MemoryAuth>,
    orgs: Arc<MemoryOrgs>,
    world: Arc<World>,
    limits: Arc<Ten>,
    claimed: Claimed,
}

/// Makes the organization, with its owner.
async fn found(orgs: &MemoryOrgs, (org, owner): (OrgId, UserId), ambient: &Ambient) {
    let made = Org {
        id: org,
        name: OrgName::parse("Acme").unwrap(),
        slug: Slug::parse("acme").unwrap(),
        status: OrgStatus::Active,
        created_at: ambient.now(),
        settings: Settings::default(),
    };
    let record = Record::new(ambient, &Actor::system(), Action::OrgCreated, "organization", org).within(org);
    OrgStore::create(orgs, &made, owner, &record).await.unwrap();
}

impl Stage {
    /// Everything is on this plan.
    pub(in crate::routes) async fn on(plan: &str) -> Self {
        let (clock, ambient) = manual_ambient(7);
        let (auth, orgs) = (Arc::new(MemoryAuth::new()), Arc::new(MemoryOrgs::new()));
        let usage = Arc::new(MemoryUsage::new());
        let id = orgs.user("ada@example.com", true).await;
        let owner = User { id, email: "ada@example.com".parse().unwrap(), ..invented_user(&ambient) };
        auth.account(&owner).await;
        let now = ambient.now();
        let org = auth.org(owner.id, now).await;
        found(&orgs, (org, owner.id), &ambient).await;
        let world = World {
            plan: Mutex::new(plan.parse().unwrap()),
            anchor: now,
            usage: Usage::new(usage.clone(), ambient.clone()),
            metering: Metering::new(usage.clone(), ambient.clone()),
        };
        let (other, key) = (OrgId::mint(&ambient), ApiKeyId::mint(&ambient));
        let stage = Self {
            plans: Arc::new(MemoryPlans::with(sample_catalogue())),
            limits: Arc::new(Ten(MemoryLimiter::new(ambient.clone()))),
            claimed: Claimed { owner: owner.id, org, other, key, at: now },
            world: Arc::new(world),
            usage,
            clock,
            ambient,
            owner,
            org,
            auth,
            orgs,
        };
        stage.allow(org, plan);
        stage.allow(other, plan);
        stage
    }

    fn allow(&self, org: OrgId, plan: &str) {
        let (catalogue, plan) = (sample_catalogue(), plan.parse().unwrap());
        let gives = &catalogue.plan(&plan).unwrap().allowances;
        let allowance = Allowance {
            tier: plan.to_string(),
            monthly: gives.monthly,
            daily: gives.daily,
            per_user: gives.per_user,
            anchor: self.world.anchor,
        };
        self.usage.set_allowance(org, &allowance);
    }

    /// The owner operates the platform from now on.
    pub(in crate::routes) async fn promote(&self) {
        self.auth.account(&User { role: PlatformRole::Admin, ..self.owner.clone() }).await;
    }

    pub(in crate::routes) async fn suspend(&self) {
        let record = Record::new(&self.ambient, &Actor::system(), Action::OrgCreated, "organization", self.org);
        let record = record.within(self.org);
        OrgStore::set_status(&*self.orgs, self.org, OrgStatus::Suspended, &record).await.unwrap();
    }

    /// Records calls of the organization.
    pub(in crate::routes) async fn use_up(&self, quantity: u64) {
        let service: ServiceName = "chat".parse().unwrap();
        let report = Report { quantity: Quantity::new(quantity).unwrap(), ..Report::new(self.org, service) };
        self.world.metering.track(report).await.unwrap();
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
        let (free, ambient): (PlanId, _) = ("free".parse().unwrap(), self.ambient.clone());
        let (auth, plans, world) = (self.auth.clone(), self.plans.clone(), self.world.clone());
        let ports = DecisionPorts {
            catalogue: plans.clone(),
            subscriptions: world.clone(),
            quotas: world.clone(),
            rates: plans.clone(),
            keys: plans.clone(),
        };
        let org_ports =
            OrgPorts { orgs: self.orgs.clone(), members: self.orgs.clone(), entitlements: self.orgs.clone() };
        let rules = SessionRules::default();
        let sessions = Sessions::new(auth.clone(), auth.clone(), auth.clone(), ambient.clone(), rules);
        let hasher = Arc::new(PlainHasher::default());
        let users = Users::new(auth.clone(), auth.clone(), hasher, sessions, ambient.clone());
        let identify: Arc<dyn Identify> = Arc::new(self.claimed.clone());
        let limits: Arc<dyn RateLimits> = self.limits.clone();
        let decision = Decision::new(ports, free.clone(), OutagePolicy::default(), ambient.clone());
        let access = Access::new(plans.clone(), world.clone(), free.clone(), UPGRADE_URL.to_owned(), ambient.clone());
        cfg.app_data(web::Data::new(site))
            .app_data(web::Data::new(identify))
            .app_data(web::Data::new(limits))
            .app_data(web::Data::new(ApiKeys::new(auth.clone(), auth.clone(), auth, ambient.clone())))
            .app_data(web::Data::new(Orgs::new(org_ports, ambient.clone())))
            .app_data(web::Data::new(users))
            .app_data(web::Data::new(decision))
            .app_data(web::Data::new(access))
            .app_data(web::Data::new(Plans::new(plans, free, ambient.clone())))
            .app_data(web::Data::new(world.metering.clone()))
            .app_data(web::Data::new(world.usage.clone()))
            .app_data(web::Data::new(ambient));
        let areas = [decision::endpoints(), tier_check::endpoints(), usage::endpoints()];
        let rows: Vec<_> = areas.into_iter().flatten().collect();
        crate::app::mount(cfg, &rows);
    }

    /// Calls an operation, `"METHOD path"`.
    pub(in crate::routes) async fn call(&self, by: Who, operation: &str, body: Option<Value>) -> Told {
        self.call_with(by, operation, None, body).await
    }

    /// The same, with an `Idempotency-Key`.
    pub(in crate::routes) async fn call_with(
        &self,
        by: Who,
        operation: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Told {
        let (method, path) = operation.split_once(' ').unwrap();
        let mut request = test::TestRequest::with_uri(path).method(method.parse().unwrap());
        request = match by {
            Who::Nobody => request,
            Who::Owner => request.insert_header(("X-Test-Session", "home")),
            Who::Homeless => request.insert_header(("X-Test-Session", "nowhere")),
            Who::Key(scopes) => request.insert_header(("X-Test-Key", scopes)),
            Who::PlatformKey(scopes) => {
                request.insert_header(("X-Test-Key", scopes)).insert_header(("X-Test-Platform", ""))
            }
            Who::OtherKey(scopes) => request.insert_header(("X-Test-Key", scopes)).insert_header(("X-Test-Other", "")),
        };
        if let Some(key) = key {
            request = request.insert_header(("Idempotency-Key", key));
        }
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let app = test::init_service(App::new().configure(|cfg| self.mount(cfg))).await;
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = serde_json::from_slice(&test::read_body(answer).await).unwrap_or_default();
        Told { status, body, headers }
    }
}
