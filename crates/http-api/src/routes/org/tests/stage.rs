//! The operations of organizations, members and invitations over stores in memory, and browsers that call them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::{App, test, web};
use async_trait::async_trait;
use auth_core::testing::MemoryAuth;
use auth_core::{
    Freshness, Home, MembershipStanding, Session, SessionRules, SessionStore, SessionToken, Sessions, Standing,
    Standings, UserTag,
};
use kernel::testing::{ManualClock, MemoryIdempotency, manual_ambient};
use kernel::{Ambient, Idempotency, OrgId, PlatformRole, Record, SessionId, StoreError, UserId};
use org_core::testing::{MemoryOrgs, Population};
use org_core::{InvitationPorts, Invitations, MemberStore, Members, OrgPorts, OrgStatus, Orgs};
use plan_core::Plans;
use plan_core::testing::{MemoryPlans, sample_catalogue};
use serde_json::Value;

use crate::identify::{Identify, SessionCookie};
use crate::routes::billing::tests::stage::Till;
use crate::routes::byok::tests::stage::Safe;
use crate::routes::{invitation, member, org};
use crate::site::{Environment, Site};

/// What the organization store says of memberships, for sessions.
#[derive(Clone)]
struct Facts {
    orgs: Arc<MemoryOrgs>,
    auth: Arc<MemoryAuth>,
    admins: Arc<Mutex<BTreeSet<UserId>>>,
}

#[async_trait]
impl Standings for Facts {
    async fn of(&self, user: UserId, org: Option<OrgId>, _: Freshness) -> Result<Option<Standing>, StoreError> {
        let mut membership = None;
        if let Some(org) = org
            && let Some((role, status)) = self.orgs.role(org, user).await?
        {
            let epoch = self.orgs.epoch(org, user).await.unwrap_or_default();
            membership = Some(MembershipStanding { role, epoch, org_active: status == OrgStatus::Active });
        }
        let admin = self.admins.lock().unwrap().contains(&user);
        let platform_role = if admin { PlatformRole::Admin } else { PlatformRole::User };
        let email = format!("{user}@example.com");
        Ok(Some(Standing { user_epoch: 0, platform_epoch: 0, enabled: true, email, platform_role, membership }))
    }
    async fn home(&self, user: UserId) -> Result<Option<Home>, StoreError> {
        self.auth.home(user).await
    }
    async fn end_sessions(&self, user: UserId, record: &Record) -> Result<Option<i64>, StoreError> {
        self.auth.end_sessions(user, record).await
    }
    async fn set_home(&self, user: UserId, org: OrgId, record: &Record) -> Result<(), StoreError> {
        self.auth.set_home(user, org, record).await
    }
    async fn note(&self, record: &Record) -> Result<(), StoreError> {
        self.auth.note(record).await
    }
}

/// A browser with somebody's session.
pub(super) struct Browser {
    pub(super) user: UserId,
    pub(super) cookie: String,
    csrf: Option<&'static str>,
}

impl Browser {
    /// The same session, on another site's page.
    pub(super) fn elsewhere(&self) -> Self {
        Self { user: self.user, cookie: self.cookie.clone(), csrf: Some("cross-site") }
    }

    /// The same session at this time, whatever the other one does afterwards.
    pub(super) fn copy(&self) -> Self {
        Self { user: self.user, cookie: self.cookie.clone(), csrf: self.csrf }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) renewed: bool,
    pub(super) total: Option<String>,
}

impl Told {
    pub(super) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

/// Everything that the operations ask for.
pub(super) struct Stage {
    pub(super) stores: Arc<MemoryOrgs>,
    pub(super) clock: Arc<ManualClock>,
    safe: Safe,
    till: Till,
    plans: Plans,
    auth: Arc<MemoryAuth>,
    facts: Facts,
    ambient: Ambient,
    sessions: Sessions,
    site: Site,
    idempotency: Arc<dyn Idempotency>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let (clock, ambient) = manual_ambient(7);
        let (stores, auth) = (Arc::new(MemoryOrgs::new()), Arc::new(MemoryAuth::new()));
        let facts = Facts { orgs: stores.clone(), auth: auth.clone(), admins: Arc::default() };
        let rules = SessionRules::default();
        let sessions = Sessions::new(auth.clone(), Arc::new(facts.clone()), auth.clone(), ambient.clone(), rules);
        let site = Site {
            public_url: "http://localhost".to_owned(),
            origins: vec!["http://localhost".to_owned()],
            secure: false,
            trusted_proxies: Vec::new(),
            deadline: Duration::from_secs(30),
            version: "test",
            environment: Environment::Development,
        };
        Self {
            stores,
            clock,
            safe: Safe::new(&ambient),
            till: Till::new(&ambient),
            plans: Plans::new(
                Arc::new(MemoryPlans::with(sample_catalogue())),
                "free".parse().unwrap(),
                ambient.clone(),
            ),
            ambient,
            auth,
            facts,
            sessions,
            site,
            idempotency: Arc::new(MemoryIdempotency::default()),
        }
    }

    /// Somebody who signed in just now, and who acts in no organization.
    pub(super) async fn sign_in(&self, email: &str) -> Browser {
        let user = self.stores.user(email, true).await;
        self.again(user).await
    }

    /// The same person in another browser.
    pub(super) async fn again(&self, user: UserId) -> Browser {
        let now = self.ambient.now();
        let tag = UserTag::mint(&self.ambient);
        let token = SessionToken::mint(&tag, &self.ambient);
        let session = Session {
            id: SessionId::mint(&self.ambient),
            user,
            org: None,
            created_at: now,
            auth_time: now,
            expires_at: now + chrono::TimeDelta::hours(12),
            idle: Duration::from_hours(1),
            user_epoch: 0,
            org_epoch: 0,
            platform_epoch: 0,
            ip: None,
            user_agent: None,
        };
        self.auth.create(&tag, &token.hash(), &session, 10).await.unwrap();
        Browser { user, cookie: token.to_cookie(), csrf: Some("same-origin") }
    }

    /// Keeps a key of the organization at this provider.
    pub(super) async fn store_key(&self, org: OrgId, provider: &str) {
        self.safe.store(&self.ambient, org, provider).await;
    }

    pub(super) fn make_admin(&self, user: UserId) {
        self.facts.admins.lock().unwrap().insert(user);
    }

    fn services(&self, cfg: &mut web::ServiceConfig) {
        let identify: Arc<dyn Identify> = Arc::new(SessionCookie::new(self.site.clone(), self.sessions.clone()));
        let (o, m) = (self.stores.clone(), self.stores.clone());
        let orgs =
            Orgs::new(OrgPorts { orgs: o.clone(), members: m.clone(), entitlements: o.clone() }, self.ambient.clone());
        let ports = InvitationPorts {
            invitations: o.clone(),
            members: m.clone(),
            orgs: o.clone(),
            people: o.clone(),
            entitlements: o.clone(),
            mail: o,
        };
        cfg.app_data(web::Data::new(self.site.clone()))
            .app_data(web::Data::new(identify))
            .app_data(web::Data::new(self.sessions.clone()))
            .app_data(web::Data::new(orgs))
            .app_data(web::Data::new(self.safe.byok.clone()))
            .app_data(web::Data::new(self.till.billing()))
            .app_data(web::Data::new(self.plans.clone()))
            .app_data(web::Data::new(Members::new(m, self.ambient.clone())))
            .app_data(web::Data::new(Invitations::new(ports, self.ambient.clone())))
            .app_data(web::Data::new(self.idempotency.clone()))
            .app_data(web::Data::new(self.ambient.clone()));
        let rows: Vec<_> =
            [org::endpoints(), member::endpoints(), invitation::endpoints()].into_iter().flatten().collect();
        crate::app::mount(cfg, &rows);
    }

    /// Calls an operation, `"METHOD path"`; the browser keeps the cookie that the answer sets.
    pub(super) async fn ask(&self, by: &mut Browser, operation: &str, body: Option<Value>) -> Told {
        let told = self.send(Some(by), operation, body).await;
        if let Some(cookie) = &told.1 {
            cookie.clone_into(&mut by.cookie);
        }
        told.0
    }

    /// Calls an operation without a session.
    pub(super) async fn ask_as_nobody(&self, operation: &str, body: Option<Value>) -> Told {
        self.send(None, operation, body).await.0
    }

    async fn send(&self, by: Option<&Browser>, operation: &str, body: Option<Value>) -> (Told, Option<String>) {
        let (method, path) = operation.split_once(' ').unwrap();
        let mut request = test::TestRequest::with_uri(path).method(method.parse().unwrap());
        if let Some(by) = by {
            request = request.cookie(Cookie::new("ops_session", by.cookie.clone()));
            request =
                by.csrf.into_iter().fold(request, |request, site| request.insert_header(("Sec-Fetch-Site", site)));
        }
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let app = test::init_service(App::new().configure(|cfg| self.services(cfg))).await;
        let answer = test::call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        let cookie =
            answer.response().cookies().find(|cookie| cookie.name() == "ops_session").map(|c| c.value().to_owned());
        let total = answer.headers().get("X-Total-Count").map(|value| value.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(&test::read_body(answer).await).unwrap_or_default();
        (Told { status, body, renewed: cookie.is_some(), total }, cookie)
    }
}
