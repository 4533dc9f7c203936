//! The world around the ports, for their contracts: made by the adapters themselves.
use async_trait::async_trait;
use auth_core::testing::invented_user;
use auth_core::{Freshness, Inserted, Standings, Switched, User, UserStore};
use kernel::{Action, Email, OrgId, Record, Role, Timestamp, UserId};
use org_core::{
    Added, Changed, Created, MemberStore, Org, OrgName, OrgStatus, OrgStore, Removed, Settings, Slug, StatusChanged,
};
use plan_core::testing::sample_catalogue;
use plan_core::{CatalogueStore, Source, Subscription, SubscriptionPut, SubscriptionStatus, SubscriptionStore};
use store::{SeaCatalogue, SeaInvitations, SeaMembers, SeaOrgs, SeaStandings, SeaSubscriptions, SeaUsers};

use crate::fixture::Fixture;

impl Fixture {
    /// A new enabled account.
    pub(crate) async fn new_user(&self) -> UserId {
        let user = invented_user(&self.ambient);
        auth_core::testing::Population::account(self, &user).await;
        user.id
    }

    /// A new active organization with this owner.
    pub(crate) async fn new_org(&self, owner: UserId) -> OrgId {
        auth_core::testing::Population::org(self, owner, self.ambient.now()).await
    }

    /// A new organization, not kept yet.
    pub(crate) fn draft(&self, at: Timestamp) -> Org {
        let unique: String = self.ambient.random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        Org {
            id: OrgId::mint(&self.ambient),
            name: OrgName::parse("Acme").unwrap(),
            slug: Slug::parse(&unique).unwrap(),
            status: OrgStatus::Active,
            created_at: at,
            settings: Settings::default(),
        }
    }
}

#[async_trait]
impl auth_core::testing::Population for Fixture {
    async fn account(&self, user: &User) {
        let done = SeaUsers::new(&self.db).insert(user, None, &self.record(Action::UserCreated)).await.unwrap();
        assert_eq!(done, Inserted::Inserted);
    }

    async fn org(&self, owner: UserId, at: Timestamp) -> OrgId {
        let org = self.draft(at);
        let done = SeaOrgs::new(&self.db).create(&org, owner, &self.record(Action::OrgCreated)).await.unwrap();
        assert_eq!(done, Created::Created);
        org.id
    }

    async fn join(&self, org: OrgId, user: UserId, role: Role, at: Timestamp) {
        let record = Record { at, ..self.record(Action::MemberAdded) };
        let done = SeaMembers::new(&self.db).add(org, user, role, u32::MAX, &record).await.unwrap();
        assert_eq!(done, Added::Added);
    }

    async fn change_role(&self, org: OrgId, user: UserId, role: Role) {
        let members = SeaMembers::new(&self.db);
        let from = members.find(org, user).await.unwrap().unwrap().role;
        let record = self.record(Action::MemberRoleChanged);
        assert_eq!(members.change_role(org, user, from, role, &record).await.unwrap(), Changed::Changed);
    }

    async fn remove(&self, org: OrgId, user: UserId) {
        let members = SeaMembers::new(&self.db);
        let role = members.find(org, user).await.unwrap().unwrap().role;
        let record = self.record(Action::MemberRemoved);
        assert_eq!(members.remove(org, user, role, &record).await.unwrap(), Removed::Removed);
    }

    async fn set_org_active(&self, org: OrgId, active: bool) {
        let status = if active { OrgStatus::Active } else { OrgStatus::Suspended };
        let record = self.record(Action::OrgStatusChanged);
        assert_eq!(SeaOrgs::new(&self.db).set_status(org, status, &record).await.unwrap(), StatusChanged::Changed);
    }
}

#[async_trait]
impl org_core::testing::Population for Fixture {
    async fn user(&self, email: &str, verified: bool) -> UserId {
        let email = Email::parse(email).unwrap();
        let user = User { email, email_verified: verified, ..invented_user(&self.ambient) };
        auth_core::testing::Population::account(self, &user).await;
        user.id
    }

    async fn set_enabled(&self, user: UserId, enabled: bool) {
        let record = self.record(Action::UserDisabled);
        let done = SeaUsers::new(&self.db).set_enabled(user, enabled, &record).await.unwrap();
        assert_eq!(done, Switched::Done);
    }

    async fn put_on(&self, org: OrgId, plan: &str, trial_ends_at: Option<Timestamp>) {
        SeaCatalogue::new(&self.db).load(&sample_catalogue(), &self.record(Action::CatalogueLoaded)).await.unwrap();
        let (subscriptions, free) = (SeaSubscriptions::new(&self.db), "free".parse().unwrap());
        let now = subscriptions.of(org, &free).await.unwrap().unwrap();
        let status = if trial_ends_at.is_some() { SubscriptionStatus::Trialing } else { SubscriptionStatus::Active };
        let next = Subscription {
            plan: plan.parse().unwrap(),
            status,
            source: Source::Administrator,
            trial_ends_at,
            version: now.version + 1,
            ..now
        };
        let put = subscriptions.put(&next, &self.record(Action::SubscriptionChanged)).await.unwrap();
        assert_eq!(put, SubscriptionPut::Put);
    }

    async fn epoch(&self, org: OrgId, user: UserId) -> Option<i64> {
        let standing = SeaStandings::new(&self.db).of(user, Some(org), Freshness::Fresh).await.unwrap();
        standing.and_then(|standing| standing.membership).map(|membership| membership.epoch)
    }
}

#[async_trait]
impl account_core::testing::Population for Fixture {
    async fn user(&self) -> UserId {
        self.new_user().await
    }
}

#[async_trait]
impl audit_core::testing::Recorder for Fixture {
    async fn keep(&self, record: &Record) {
        SeaStandings::new(&self.db).note(record).await.unwrap();
    }
}

/// The stores of organizations over one database.
pub(crate) struct Orgs {
    pub(crate) orgs: SeaOrgs,
    pub(crate) members: SeaMembers,
    pub(crate) invitations: SeaInvitations,
}

impl Orgs {
    pub(crate) fn new(db: &store::Database) -> Self {
        Self { orgs: SeaOrgs::new(db), members: SeaMembers::new(db), invitations: SeaInvitations::new(db) }
    }

    pub(crate) fn stores<'a>(&'a self, fixture: &'a Fixture) -> org_core::testing::OrgStores<'a> {
        org_core::testing::OrgStores {
            orgs: &self.orgs,
            members: &self.members,
            invitations: &self.invitations,
            population: fixture,
            ambient: &fixture.ambient,
        }
    }
}
