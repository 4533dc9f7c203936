use std::sync::Arc;
use std::time::Duration;

use account_core::testing::{MemoryBlobs, StampRenderer};
use account_core::{Avatars, Profiles};
use async_trait::async_trait;
use audit_core::Trail;
use audit_core::testing::MemoryAudit;
use auth_core::testing::{MemoryAuth, PlainHasher};
use auth_core::{
    ApiKeys, NewUser, Passwords, Secret, SessionRules, Sessions, SignIn, SignInPorts, User, Username, Users,
};
use byok_core::testing::{MemoryEntitlement, MemoryKeys, MemoryProbe, MemoryRing, sample_providers, sample_ring};
use byok_core::{Byok, ByokPorts, Resolution};
use http_api::identify::SessionCookie;
use http_api::rate_limit::Unlimited;
use http_api::{Dependency, Environment, KeyedIdempotency, Metrics, Readiness, Services, Site, Webhooks};
use kernel::testing::{ManualClock, MemoryIdempotency, manual_ambient};
use kernel::{Actor, Email, InvitationId, OrgId, PlatformRole, Record, Role, UserId};
use org_core::testing::MemoryOrgs;
use org_core::{
    Invitation, InvitationPorts, InvitationStore, InvitationToken, Invitations, Members, Org, OrgName, OrgPorts,
    OrgStatus, OrgStore, Orgs, Settings, Slug,
};
use plan_core::testing::{MemoryPlans, sample_catalogue};
use plan_core::{Access, Decision, DecisionPorts, Grants, OutagePolicy, PlanId, Plans};
use usage_core::testing::MemoryUsage;
use usage_core::{Metering, Usage};

use crate::bridge::{Bridge, Names};
use crate::till;

/// The origin of every page.
pub(crate) const ORIGIN: &str = "http://ops.example";
/// The password of everybody.
pub(crate) const PASSWORD: &str = "tall ships sail at dawn";

/// The application over doubles in memory, and a hand on each of them.
pub(crate) struct House {
    pub(crate) services: Services,
    pub(crate) auth: Arc<MemoryAuth>,
    pub(crate) orgs: Arc<MemoryOrgs>,
    pub(crate) clock: Arc<ManualClock>,
    /// The display names that were given.
    pub(crate) names: Arc<Names>,
}

struct AllWell;

#[async_trait]
impl Readiness for AllWell {
    async fn check(&self) -> Vec<Dependency> {
        vec![Dependency { name: "database", ok: true }]
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::at(ORIGIN)
    }

    /// Served under this origin.
    pub(crate) fn at(origin: &str) -> Self {
        let (clock, ambient) = manual_ambient(7);
        let (auth, orgs) = (Arc::new(MemoryAuth::new()), Arc::new(MemoryOrgs::new()));
        let bridge = Arc::new(Bridge { auth: auth.clone(), orgs: orgs.clone() });
        let profiles = Arc::new(Names::default());
        let sessions =
            Sessions::new(auth.clone(), bridge.clone(), auth.clone(), ambient.clone(), SessionRules::default());
        let hasher = Arc::new(PlainHasher::default());
        let ports = SignInPorts {
            users: auth.clone(),
            links: auth.clone(),
            standings: bridge.clone(),
            throttle: auth.clone(),
            hasher: hasher.clone(),
        };
        let site = site(origin);
        let (plans, usage) = (Arc::new(MemoryPlans::with(sample_catalogue())), Arc::new(MemoryUsage::new()));
        let blobs = Arc::new(MemoryBlobs::new());
        let free: PlanId = "free".parse().unwrap();
        let byok = byok(&ambient);
        let services = Services {
            identify: Arc::new(SessionCookie::new(site.clone(), sessions.clone())),
            site,
            sign_in: SignIn::new(ports, sessions.clone(), ambient.clone()),
            passwords: Passwords::new(auth.clone(), hasher.clone(), auth.clone(), sessions.clone(), ambient.clone()),
            users: Users::new(auth.clone(), auth.clone(), hasher, sessions.clone(), ambient.clone()),
            api_keys: ApiKeys::new(auth.clone(), bridge.clone(), auth.clone(), ambient.clone()),
            sessions,
            profiles: Profiles::new(profiles.clone(), ambient.clone()),
            avatars: Avatars::new(profiles.clone(), blobs, Arc::new(StampRenderer), ambient.clone()),
            orgs: Orgs::new(
                OrgPorts { orgs: orgs.clone(), members: orgs.clone(), entitlements: orgs.clone() },
                ambient.clone(),
            ),
            members: Members::new(orgs.clone(), ambient.clone()),
            invitations: invitations(&orgs, bridge, ambient.clone()),
            plans: Plans::new(plans.clone(), free.clone(), ambient.clone()),
            access: Access::new(
                plans.clone(),
                plans.clone(),
                free.clone(),
                format!("{origin}/upgrade"),
                ambient.clone(),
            ),
            grants: Grants::new(plans.clone(), plans.clone(), free.clone(), ambient.clone()),
            decision: decision(&plans, free, ambient.clone()),
            metering: Metering::new(usage.clone(), ambient.clone()),
            usage: Usage::new(usage, ambient.clone()),
            resolution: Resolution::new(byok.clone()),
            byok,
            billing: till::billing(&ambient),
            webhooks: Webhooks::default(),
            trail: Trail::new(Arc::new(MemoryAudit::new())),
            idempotency: KeyedIdempotency::new(Arc::new(MemoryIdempotency::default()), &[7; 32]),
            rate_limits: Arc::new(Unlimited),
            ambient,
            readiness: Arc::new(AllWell),
            metrics: Metrics::new(),
        };
        Self { services, auth, orgs, clock, names: profiles }
    }

    /// An account `NAME@example.com`.
    pub(crate) async fn account(&self, name: &str) -> User {
        self.make(name, true).await
    }

    /// The same, but nobody proved that the address is theirs.
    pub(crate) async fn unverified(&self, name: &str) -> User {
        self.make(name, false).await
    }

    async fn make(&self, name: &str, email_verified: bool) -> User {
        let new = NewUser {
            email: Email::parse(&format!("{name}@example.com")).unwrap(),
            email_verified,
            username: Username::parse(name).unwrap(),
            role: PlatformRole::User,
        };
        self.services.users.create(&Actor::system(), new, &PASSWORD.into()).await.unwrap()
    }

    /// An organization of this owner.
    pub(crate) async fn org(&self, owner: &User, name: &str) -> OrgId {
        let slug = format!("slug-{}", self.orgs.records().len());
        let org = Org {
            id: OrgId::mint(&self.services.ambient),
            name: OrgName::parse(name).unwrap(),
            slug: Slug::parse(&slug).unwrap(),
            status: OrgStatus::Active,
            created_at: self.clock_now(),
            settings: Settings::default(),
        };
        let record = self.record(&org.id);
        OrgStore::create(&*self.orgs, &org, owner.id, &record).await.unwrap();
        org.id
    }

    /// An invitation to this organization.
    pub(crate) async fn invite(&self, org: OrgId, email: &str, role: Role) -> InvitationToken {
        let token = InvitationToken::mint(&self.services.ambient);
        let now = self.clock_now();
        let invitation = Invitation {
            id: InvitationId::mint(&self.services.ambient),
            org,
            email: Email::parse(email).unwrap(),
            role,
            invited_by: UserId::mint(&self.services.ambient),
            created_at: now,
            expires_at: now + chrono::TimeDelta::from_std(Invitations::LIFETIME).unwrap(),
        };
        InvitationStore::create(&*self.orgs, &invitation, &token.hash(), 1_000, &self.record(&org)).await.unwrap();
        token
    }

    /// Stops an organization.
    pub(crate) async fn suspend(&self, org: OrgId) {
        OrgStore::set_status(&*self.orgs, org, OrgStatus::Suspended, &self.record(&org)).await.unwrap();
    }

    /// A sign-in link.
    pub(crate) async fn link(&self, user: &User) -> Secret {
        self.services.users.issue_link(&Actor::system(), user.id).await.unwrap()
    }

    /// From now on no store answers.
    pub(crate) fn break_down(&self, down: bool) {
        self.auth.break_down(down);
        self.orgs.break_down(down);
    }

    pub(crate) fn clock_now(&self) -> kernel::Timestamp {
        self.services.ambient.now()
    }

    fn record(&self, org: &OrgId) -> Record {
        Record::new(&self.services.ambient, &Actor::system(), kernel::Action::OrgCreated, "organization", *org)
            .within(*org)
    }
}

fn invitations(orgs: &Arc<MemoryOrgs>, people: Arc<Bridge>, ambient: kernel::Ambient) -> Invitations {
    let ports = InvitationPorts {
        invitations: orgs.clone(),
        members: orgs.clone(),
        orgs: orgs.clone(),
        people,
        entitlements: orgs.clone(),
        mail: orgs.clone(),
    };
    Invitations::new(ports, ambient)
}

fn decision(plans: &Arc<MemoryPlans>, default: PlanId, ambient: kernel::Ambient) -> Decision {
    let ports = DecisionPorts {
        catalogue: plans.clone(),
        subscriptions: plans.clone(),
        quotas: plans.clone(),
        rates: plans.clone(),
        keys: plans.clone(),
    };
    Decision::new(ports, default, OutagePolicy::default(), ambient)
}

fn byok(ambient: &kernel::Ambient) -> Byok {
    let ports = ByokPorts {
        keys: Arc::new(MemoryKeys::new()),
        ring: Arc::new(MemoryRing::new(sample_ring(ambient, &["k1"]))),
        probe: Arc::new(MemoryProbe::new()),
        entitlement: Arc::new(MemoryEntitlement::new()),
        providers: Arc::new(sample_providers()),
    };
    Byok::new(ports, ambient.clone())
}

fn site(origin: &str) -> Site {
    Site {
        public_url: origin.to_owned(),
        origins: vec![origin.to_owned()],
        secure: false,
        trusted_proxies: Vec::new(),
        deadline: Duration::from_secs(30),
        version: "test",
        environment: Environment::Development,
    }
}
