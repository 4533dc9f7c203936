//! Operations that ask for each kind of caller, over stores in memory, and clients that call them.

use std::sync::Arc;
use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::{App, test, web};
use auth_core::testing::{MemoryAuth, Population as _, invented_user};
use auth_core::{
    ApiKey, ApiKeyStore, ApiKeyToken, ApiKeys, KeyName, NewApiKey, Scope, Scopes, Session, SessionRules, SessionStore,
    SessionToken, Sessions, Standings, User,
};
use kernel::testing::{ManualClock, MemoryIdempotency, manual_ambient};
use kernel::{Action, Actor, Ambient, Idempotency, OrgId, PlatformRole, Record, Role, SessionId, UserId};
use org_core::testing::{MemoryOrgs, Population as _};
use org_core::{MemberStore, Org, OrgName, OrgPorts, OrgStatus, OrgStore, Orgs, Settings, Slug};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Answer;
use crate::caller::{Caller, Claim, EntitlementsRead, Subject, UsageWrite, Visitor};
use crate::endpoint::Endpoint;
use crate::identify::{Identify, SessionCookie, SessionOrKey};
use crate::input::Json;
use crate::problem::Problem;
use crate::routes::api_keys;
use crate::site::{Environment, Site};

/// Whom an operation found.
#[derive(Serialize, ToSchema)]
struct Found {
    actor: &'static str,
    org: Option<String>,
    user: Option<String>,
    platform: bool,
}

/// Whom a body names.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Whom {
    org_id: Option<String>,
    user_id: Option<String>,
}

impl<S> From<Subject<S>> for Answer<Found> {
    fn from(subject: Subject<S>) -> Self {
        let Subject { actor, org, user, platform, .. } = subject;
        let (org, user) = (Some(org.to_string()), user.map(|user| user.to_string()));
        Self::new(Found { actor: actor.kind.as_str(), org, user, platform })
    }
}

impl Whom {
    fn ids(self) -> Result<(Option<OrgId>, Option<UserId>), Problem> {
        let org = self.org_id.map(|text| text.parse()).transpose().or(Err(Problem::not_found()))?;
        let user = self.user_id.map(|text| text.parse()).transpose().or(Err(Problem::not_found()))?;
        Ok((org, user))
    }
}

async fn ask(subject: Subject<EntitlementsRead>) -> Result<Answer<Found>, Problem> {
    Ok(subject.into())
}

async fn track(claim: Claim<UsageWrite>, body: Json<Whom>) -> Result<Answer<Found>, Problem> {
    let (org, user) = body.0.ids()?;
    Ok(claim.acting_for(org, user).await?.into())
}

async fn settle(subject: Subject<UsageWrite>, body: Json<Whom>) -> Result<Answer<Found>, Problem> {
    let (org, user) = body.0.ids()?;
    Ok(subject.acting_for(org, user).await?.into())
}

async fn batch(subject: Subject<UsageWrite>, body: Json<Whom>) -> Result<Answer<Found>, Problem> {
    if let Some(user) = body.0.ids()?.1 {
        subject.may_name(user).await?;
    }
    Ok(subject.into())
}

async fn mine(caller: Caller) -> Result<Answer<Found>, Problem> {
    let user = Some(caller.user().to_string());
    Ok(Answer::new(Found { actor: caller.actor.kind.as_str(), org: None, user, platform: false }))
}

async fn open(visitor: Visitor) -> Result<Answer<Found>, Problem> {
    let user = visitor.identity.map(|identity| identity.user.to_string());
    Ok(Answer::new(Found { actor: visitor.actor.kind.as_str(), org: None, user, platform: false }))
}

/// What the tests call.
pub(super) fn rows() -> Vec<Endpoint> {
    let mut rows = vec![
        Endpoint::get("/ask", ask),
        Endpoint::post("/track", track).once(),
        Endpoint::post("/settle", settle),
        Endpoint::post("/batch", batch),
        Endpoint::get("/mine", mine),
        Endpoint::post("/mine", mine),
        Endpoint::get("/open", open),
    ];
    rows.extend(api_keys::endpoints());
    rows
}

/// What a client sends along.
#[derive(Clone, Default)]
pub(super) struct Client {
    pub(super) cookie: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Client {
    /// With one more header.
    pub(super) fn with(&self, name: &'static str, value: impl ToString) -> Self {
        let mut more = self.clone();
        more.headers.push((name, value.to_string()));
        more
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) challenge: String,
    pub(super) replayed: bool,
}

impl Told {
    pub(super) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// Who acted, where and for whom; fails unless all was well.
    pub(super) fn found(&self) -> (&str, &str, &str) {
        assert_eq!(self.status, 200, "{self:?}");
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        (text("actor"), text("org"), text("user"))
    }
}

pub(super) struct Stage {
    pub(super) auth: Arc<MemoryAuth>,
    pub(super) orgs: Arc<MemoryOrgs>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) ambient: Ambient,
    pub(super) idempotency: Arc<MemoryIdempotency>,
    sessions: Sessions,
    keys: ApiKeys,
}

impl Stage {
    pub(super) fn new() -> Self {
        let (clock, ambient) = manual_ambient(7);
        let (auth, orgs) = (Arc::new(MemoryAuth::new()), Arc::new(MemoryOrgs::new()));
        let rules = SessionRules::default();
        let sessions = Sessions::new(auth.clone(), auth.clone(), auth.clone(), ambient.clone(), rules);
        let keys = ApiKeys::new(auth.clone(), auth.clone(), auth.clone(), ambient.clone());
        Self { auth, orgs, clock, ambient, idempotency: Arc::default(), sessions, keys }
    }

    pub(super) async fn user(&self, name: &str, role: PlatformRole) -> User {
        let id = self.orgs.user(&format!("{name}@example.com"), true).await;
        let user = User { id, role, ..invented_user(&self.ambient) };
        self.auth.account(&user).await;
        user
    }

    /// An organization of this owner.
    pub(super) async fn org(&self, owner: &User) -> OrgId {
        let now = self.ambient.now();
        let id = self.auth.org(owner.id, now).await;
        let org = Org {
            id,
            name: OrgName::parse("Acme").unwrap(),
            slug: Slug::parse(&format!("slug-{}", self.orgs.records().len())).unwrap(),
            status: OrgStatus::Active,
            created_at: now,
            settings: Settings::default(),
        };
        OrgStore::create(&*self.orgs, &org, owner.id, &self.record(id)).await.unwrap();
        id
    }

    pub(super) async fn join(&self, org: OrgId, user: &User, role: Role) {
        self.auth.join(org, user.id, role, self.ambient.now()).await;
        MemberStore::add(&*self.orgs, org, user.id, role, 100, &self.record(org)).await.unwrap();
    }

    pub(super) async fn suspend(&self, org: OrgId) {
        self.auth.set_org_active(org, false).await;
        OrgStore::set_status(&*self.orgs, org, OrgStatus::Suspended, &self.record(org)).await.unwrap();
    }

    fn record(&self, org: OrgId) -> Record {
        Record::new(&self.ambient, &Actor::system(), Action::OrgCreated, "organization", org).within(org)
    }

    /// A page of ours with this user's session, which is in the organization that the user lands in.
    pub(super) async fn browser(&self, user: &User) -> Client {
        let now = self.ambient.now();
        let token = SessionToken::mint(&user.tag, &self.ambient);
        let home = Standings::home(&*self.auth, user.id).await.unwrap();
        let session = Session {
            id: SessionId::mint(&self.ambient),
            user: user.id,
            org: home.map(|home| home.org),
            created_at: now,
            auth_time: now,
            expires_at: now + chrono::TimeDelta::hours(12),
            idle: Duration::from_hours(1),
            user_epoch: 0,
            org_epoch: home.map_or(0, |home| home.epoch),
            platform_epoch: 0,
            ip: None,
            user_agent: None,
        };
        SessionStore::create(&*self.auth, &user.tag, &token.hash(), &session, 10).await.unwrap();
        Client { cookie: Some(token.to_cookie()), headers: vec![("Sec-Fetch-Site", "same-origin".to_owned())] }
    }

    /// A key of this organization.
    pub(super) async fn key(&self, org: OrgId, scopes: &[Scope], platform: bool) -> (ApiKey, ApiKeyToken) {
        let (name, scopes) = (KeyName::parse("gateway").unwrap(), Scopes::new(scopes.iter().copied()).unwrap());
        let new = NewApiKey { name, scopes, expires_at: None, platform };
        self.keys.create(&Actor::system(), org, PlatformRole::Admin, new).await.unwrap()
    }

    /// A service with a key of this organization.
    pub(super) async fn service(&self, org: OrgId, scopes: &[Scope], platform: bool) -> Client {
        bearer(self.key(org, scopes, platform).await.1.expose())
    }

    /// When the key was last used, once what was left to do after an answer is done.
    pub(super) async fn last_used(&self, token: &ApiKeyToken) -> Option<kernel::Timestamp> {
        tokio::task::yield_now().await;
        self.auth.by_hash(&token.hash()).await.unwrap().unwrap().last_used
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
        let sessions = SessionCookie::new(site.clone(), self.sessions.clone());
        let identify: Arc<dyn Identify> = Arc::new(SessionOrKey::new(sessions, self.keys.clone()));
        let ports = OrgPorts { orgs: self.orgs.clone(), members: self.orgs.clone(), entitlements: self.orgs.clone() };
        let idempotency: Arc<dyn Idempotency> = self.idempotency.clone();
        cfg.app_data(web::Data::new(site))
            .app_data(web::Data::new(identify))
            .app_data(web::Data::new(self.keys.clone()))
            .app_data(web::Data::new(Orgs::new(ports, self.ambient.clone())))
            .app_data(web::Data::new(idempotency))
            .app_data(web::Data::new(self.ambient.clone()));
        crate::app::mount(cfg, &rows());
    }

    /// Calls an operation, `"METHOD path"`.
    pub(super) async fn call(&self, by: &Client, operation: &str, body: Option<Value>) -> Told {
        let (method, path) = operation.split_once(' ').unwrap();
        let mut request = test::TestRequest::with_uri(path).method(method.parse().unwrap());
        request = request.peer_addr("192.0.2.7:4000".parse().unwrap());
        if let Some(cookie) = &by.cookie {
            request = request.cookie(Cookie::new("ops_session", cookie.clone()));
        }
        for (name, value) in &by.headers {
            request = request.append_header((*name, value.as_str()));
        }
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let app = test::init_service(App::new().configure(|cfg| self.mount(cfg))).await;
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (challenge, replayed) = (header("WWW-Authenticate").unwrap_or_default(), header("Idempotent-Replayed"));
        let body = serde_json::from_slice(&test::read_body(answer).await).unwrap_or_default();
        Told { status, body, challenge, replayed: replayed.is_some() }
    }

    pub(super) async fn get(&self, by: &Client, path: &str) -> Told {
        self.call(by, &format!("GET {path}"), None).await
    }

    pub(super) async fn post(&self, by: &Client, path: &str, body: Value) -> Told {
        self.call(by, &format!("POST {path}"), Some(body)).await
    }
}

/// A service with this key.
pub(super) fn bearer(text: &str) -> Client {
    Client::default().with("Authorization", format!("Bearer {text}"))
}
