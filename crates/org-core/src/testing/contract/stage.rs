use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kernel::{Action, Actor, Email, InvitationId, OrgId, Page, Record, Role, Timestamp, TokenHash, UserId};

use crate::testing::OrgStores;
use crate::{
    Accepted, Added, Changed, Created, Invitation, Inviting, Member, MemberFilter, Org, OrgName, OrgStatus, Removed,
    Settings, Slug, StatusChanged, Transferred,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const DAY: Duration = Duration::from_hours(24);
/// More seats than a contract fills.
pub(super) const MANY: u32 = 1000;

/// The stores under test and a time that passes by a second with every step. Each step checks that a change was made with its
/// record or neither.
pub(super) struct Stage<'a> {
    pub(super) stores: OrgStores<'a>,
    unique: String,
    steps: Arc<AtomicU32>,
    actor: Actor,
}

impl<'a> Stage<'a> {
    pub(super) fn new(stores: OrgStores<'a>) -> Self {
        let unique = stores.ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { stores, unique, steps: Arc::default(), actor: Actor::system() }
    }

    /// The same stage, on which this user acts from now on and not the system.
    pub(super) fn acting(&self, user: UserId) -> Self {
        Self { stores: self.stores, unique: self.unique.clone(), steps: self.steps.clone(), actor: Actor::user(user) }
    }

    /// A text that no other run of a contract has.
    pub(super) fn unique(&self, text: &str) -> String {
        format!("{}-{text}", self.unique)
    }

    /// A later moment than every one before.
    pub(super) fn tick(&self) -> Timestamp {
        self.stores.ambient.now() + SECOND * self.steps.fetch_add(1, Ordering::SeqCst)
    }

    pub(super) fn record(&self, action: Action, org: OrgId) -> Record {
        let record = Record::new(self.stores.ambient, &self.actor, action, "organization", org).within(org);
        Record { at: self.tick(), ..record }
    }

    /// A change and its record have the same fate.
    pub(super) async fn assert_kept(&self, record: &Record, changed: bool) {
        assert_eq!(
            self.stores.population.kept(record.id).await,
            changed,
            "a change and its record: {:?}",
            record.action
        );
    }

    pub(super) async fn user(&self) -> UserId {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        self.stores.population.user(&self.unique(&format!("{number}@example.com")), true).await
    }

    pub(super) fn draft(&self, name: &str) -> Org {
        let created_at = self.tick();
        let slug = Slug::parse(&self.unique(&format!("{}", self.steps.load(Ordering::SeqCst)))).unwrap();
        let name = OrgName::parse(name).unwrap();
        let id = OrgId::mint(self.stores.ambient);
        Org { id, name, slug, status: OrgStatus::Active, created_at, settings: Settings::default() }
    }

    pub(super) async fn create(&self, org: &Org, owner: UserId) -> Created {
        let record = Record { at: org.created_at, ..self.record(Action::OrgCreated, org.id) };
        let answer = self.stores.orgs.create(org, owner, &record).await.unwrap();
        self.assert_kept(&record, answer == Created::Created).await;
        answer
    }

    /// A new organization and its owner.
    pub(super) async fn org(&self) -> (OrgId, UserId) {
        let (org, owner) = (self.draft("Acme"), self.user().await);
        assert_eq!(self.create(&org, owner).await, Created::Created);
        (org.id, owner)
    }

    pub(super) async fn set_status(&self, org: OrgId, status: OrgStatus) -> StatusChanged {
        let record = self.record(Action::OrgStatusChanged, org);
        let answer = self.stores.orgs.set_status(org, status, &record).await.unwrap();
        self.assert_kept(&record, answer == StatusChanged::Changed).await;
        answer
    }

    pub(super) async fn add(&self, org: OrgId, user: UserId, role: Role, seats: u32) -> Added {
        let record = self.record(Action::MemberAdded, org);
        let answer = self.stores.members.add(org, user, role, seats, &record).await.unwrap();
        self.assert_kept(&record, answer == Added::Added).await;
        answer
    }

    /// A new user who is a member.
    pub(super) async fn member(&self, org: OrgId, role: Role) -> UserId {
        let user = self.user().await;
        assert_eq!(self.add(org, user, role, MANY).await, Added::Added);
        user
    }

    pub(super) async fn remove(&self, org: OrgId, user: UserId, expected: Role) -> Removed {
        let record = self.record(Action::MemberRemoved, org);
        let answer = self.stores.members.remove(org, user, expected, &record).await.unwrap();
        self.assert_kept(&record, answer == Removed::Removed).await;
        answer
    }

    pub(super) async fn change_role(&self, org: OrgId, user: UserId, from: Role, to: Role) -> Changed {
        let record = self.record(Action::MemberRoleChanged, org);
        let answer = self.stores.members.change_role(org, user, from, to, &record).await.unwrap();
        if from != to {
            self.assert_kept(&record, answer == Changed::Changed).await;
        }
        answer
    }

    pub(super) async fn transfer(&self, org: OrgId, from: UserId, to: UserId) -> Transferred {
        let record = self.record(Action::OwnershipTransferred, org);
        let answer = self.stores.members.transfer(org, from, to, &record).await.unwrap();
        self.assert_kept(&record, answer == Transferred::Transferred).await;
        answer
    }

    pub(super) async fn role(&self, org: OrgId, user: UserId) -> Option<Role> {
        self.stores.members.role(org, user).await.unwrap().map(|(role, _)| role)
    }

    pub(super) async fn epoch(&self, org: OrgId, user: UserId) -> Option<i64> {
        self.stores.population.epoch(org, user).await
    }

    pub(super) async fn members(&self, org: OrgId, filter: &MemberFilter) -> Vec<Member> {
        let page = Page::new(Page::MAX_LIMIT, 0).unwrap();
        self.stores.members.page(org, filter, page).await.unwrap().items
    }

    pub(super) fn invitation(&self, org: OrgId, by: UserId, email: &str) -> (TokenHash, Invitation) {
        let created_at = self.tick();
        let invitation = Invitation {
            id: InvitationId::mint(self.stores.ambient),
            org,
            email: Email::parse(email).unwrap(),
            role: Role::BillingAdmin,
            invited_by: by,
            created_at,
            expires_at: created_at + DAY * 7,
        };
        (TokenHash::from_bytes(self.stores.ambient.random()), invitation)
    }

    pub(super) async fn open(&self, token: &TokenHash, invitation: &Invitation, seats: u32) -> Inviting {
        let record = Record { at: invitation.created_at, ..self.record(Action::InvitationCreated, invitation.org) };
        let answer = self.stores.invitations.create(invitation, token, seats, &record).await.unwrap();
        self.assert_kept(&record, answer == Inviting::Created).await;
        answer
    }

    /// An open invitation for a new address.
    pub(super) async fn invite(&self, org: OrgId, by: UserId) -> (TokenHash, Invitation) {
        let number = self.steps.load(Ordering::SeqCst);
        let (token, invitation) = self.invitation(org, by, &self.unique(&format!("guest{number}@example.com")));
        assert_eq!(self.open(&token, &invitation, MANY).await, Inviting::Created);
        (token, invitation)
    }

    pub(super) async fn accept(&self, token: &TokenHash, org: OrgId, user: UserId, seats: u32) -> Accepted {
        let record = self.record(Action::InvitationAccepted, org);
        let answer = self.stores.invitations.accept(token, user, seats, &record).await.unwrap();
        if answer != Accepted::AlreadyMember {
            self.assert_kept(&record, answer == Accepted::Accepted).await;
        }
        answer
    }

    pub(super) async fn by_token(&self, token: &TokenHash) -> Option<Invitation> {
        self.stores.invitations.by_token(token).await.unwrap()
    }

    pub(super) async fn listed(&self, org: OrgId, now: Timestamp) -> Vec<Invitation> {
        self.stores.invitations.open(org, now).await.unwrap()
    }
}
