//! Members against a naive model: the same answers, the same members, and always an active owner (TEN-5).
use std::collections::BTreeMap;
use std::time::Duration;

use auth_core::{Switched, UserStore};
use kernel::{Action, OrgId, Page, Record, Role, UserId};
use org_core::{
    Added, Changed, MemberFilter, MemberStatus, MemberStore, OrgStatus, OrgStore, Removed, StatusChanged, Transferred,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use store::{SeaMembers, SeaOrgs, SeaUsers};
use tokio::runtime::Handle;

use crate::fixture::{Fixture, on_each};

const USERS: usize = 5;
const SEATS: u32 = 4;

#[derive(Debug, Clone)]
enum Step {
    Add(usize, Role),
    Remove(usize, Role),
    ChangeRole(usize, Role, Role),
    Transfer(usize, usize),
    Enable(usize, bool),
    SetStatus(OrgStatus),
}

/// What a step answered, of whichever kind it was.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Added(Added),
    Removed(Removed),
    Changed(Changed),
    Transferred(Transferred),
    Switched(Switched),
    Status(StatusChanged),
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS;
    let role = || prop::sample::select(vec![Role::Owner, Role::Owner, Role::Admin, Role::Member]);
    let status = prop::sample::select(vec![OrgStatus::Active, OrgStatus::Active, OrgStatus::Suspended]);
    prop_oneof![
        3 => (user(), role()).prop_map(|(user, role)| Step::Add(user, role)),
        3 => (user(), role()).prop_map(|(user, role)| Step::Remove(user, role)),
        3 => (user(), role(), role()).prop_map(|(user, from, to)| Step::ChangeRole(user, from, to)),
        2 => (user(), user()).prop_map(|(from, to)| Step::Transfer(from, to)),
        3 => (user(), any::<bool>()).prop_map(|(user, enabled)| Step::Enable(user, enabled)),
        1 => status.prop_map(Step::SetStatus),
    ]
}

/// One organization as plain values.
struct Model {
    active: bool,
    enabled: [bool; USERS],
    roles: BTreeMap<usize, Role>,
}

impl Model {
    fn new() -> Self {
        Self { active: true, enabled: [true; USERS], roles: BTreeMap::from([(0, Role::Owner)]) }
    }

    /// Whether an active owner would be left without this one.
    fn kept_without(&self, user: usize) -> bool {
        self.roles.iter().any(|(other, role)| *other != user && *role == Role::Owner && self.enabled[*other])
    }

    fn has_active_owner(&self) -> bool {
        self.kept_without(USERS)
    }

    fn stuck(&self, user: usize) -> bool {
        self.active && self.roles.get(&user) == Some(&Role::Owner) && !self.kept_without(user)
    }

    fn apply(&mut self, step: &Step) -> Answer {
        match *step {
            Step::Add(user, role) => Answer::Added(self.add(user, role)),
            Step::Remove(user, expected) => Answer::Removed(self.remove(user, expected)),
            Step::ChangeRole(user, from, to) => Answer::Changed(self.change_role(user, from, to)),
            Step::Transfer(from, to) => Answer::Transferred(self.transfer(from, to)),
            Step::Enable(user, enabled) => Answer::Switched(self.enable(user, enabled)),
            Step::SetStatus(status) => Answer::Status(self.set_status(status)),
        }
    }

    fn add(&mut self, user: usize, role: Role) -> Added {
        if self.roles.contains_key(&user) {
            return Added::AlreadyMember;
        }
        if self.roles.len() >= usize::try_from(SEATS).unwrap() {
            return Added::SeatLimit;
        }
        self.roles.insert(user, role);
        Added::Added
    }

    fn remove(&mut self, user: usize, expected: Role) -> Removed {
        if self.roles.get(&user) != Some(&expected) {
            return Removed::NotFound;
        }
        if self.stuck(user) {
            return Removed::LastOwner;
        }
        self.roles.remove(&user);
        Removed::Removed
    }

    fn change_role(&mut self, user: usize, from: Role, to: Role) -> Changed {
        match self.roles.get(&user) {
            None => Changed::NotFound,
            Some(role) if *role != from => Changed::Outdated,
            Some(_) if to != Role::Owner && self.stuck(user) => Changed::LastOwner,
            Some(_) => {
                self.roles.insert(user, to);
                Changed::Changed
            }
        }
    }

    fn transfer(&mut self, from: usize, to: usize) -> Transferred {
        if self.roles.get(&from) != Some(&Role::Owner) {
            return Transferred::NotOwner;
        }
        if from == to || !self.roles.contains_key(&to) || !self.enabled[to] {
            return Transferred::NotFound;
        }
        self.roles.insert(to, Role::Owner);
        self.roles.insert(from, Role::Admin);
        Transferred::Transferred
    }

    fn enable(&mut self, user: usize, enabled: bool) -> Switched {
        if !enabled && self.enabled[user] && self.stuck(user) {
            return Switched::LastOwner;
        }
        self.enabled[user] = enabled;
        Switched::Done
    }

    fn set_status(&mut self, status: OrgStatus) -> StatusChanged {
        if status == OrgStatus::Active && !self.has_active_owner() {
            return StatusChanged::LastOwner;
        }
        self.active = status == OrgStatus::Active;
        StatusChanged::Changed
    }
}

/// The organization in the database.
struct Real<'a> {
    f: &'a Fixture,
    org: OrgId,
    users: Vec<UserId>,
}

impl<'a> Real<'a> {
    async fn new(f: &'a Fixture) -> Self {
        let mut users = Vec::new();
        for _ in 0..USERS {
            users.push(f.new_user().await);
        }
        Self { f, org: f.new_org(users[0]).await, users }
    }

    async fn apply(&self, step: &Step, number: u64) -> Answer {
        let at = self.f.ambient.now() + Duration::from_secs(number);
        let record = Record { at, ..self.f.record(Action::MemberRoleChanged) };
        let (org, record) = (self.org, &record);
        let (members, orgs, users) = (SeaMembers::new(&self.f.db), SeaOrgs::new(&self.f.db), SeaUsers::new(&self.f.db));
        let id = |user: usize| self.users[user];
        match *step {
            Step::Add(user, role) => Answer::Added(members.add(org, id(user), role, SEATS, record).await.unwrap()),
            Step::Remove(user, role) => Answer::Removed(members.remove(org, id(user), role, record).await.unwrap()),
            Step::ChangeRole(user, from, to) => {
                Answer::Changed(members.change_role(org, id(user), from, to, record).await.unwrap())
            }
            Step::Transfer(from, to) => {
                Answer::Transferred(members.transfer(org, id(from), id(to), record).await.unwrap())
            }
            Step::Enable(user, on) => Answer::Switched(users.set_enabled(id(user), on, record).await.unwrap()),
            Step::SetStatus(status) => Answer::Status(orgs.set_status(org, status, record).await.unwrap()),
        }
    }

    /// The roles of all members and who of them is enabled, as the adapters tell it.
    async fn members(&self) -> BTreeMap<usize, (Role, bool)> {
        let page = Page::new(Page::MAX_LIMIT, 0).unwrap();
        let found = SeaMembers::new(&self.f.db).page(self.org, &MemberFilter::default(), page).await.unwrap();
        let index = |user| self.users.iter().position(|id| *id == user).unwrap();
        let member =
            |member: &org_core::Member| (index(member.user), (member.role, member.status == MemberStatus::Active));
        found.items.iter().map(member).collect()
    }
}

async fn agree(f: &Fixture, steps: &[Step]) -> Result<(), TestCaseError> {
    let (mut model, real) = (Model::new(), Real::new(f).await);
    for (step, number) in steps.iter().zip(1..) {
        prop_assert_eq!(real.apply(step, number).await, model.apply(step), "{:?}", step);
        let expected: BTreeMap<_, _> =
            model.roles.iter().map(|(user, role)| (*user, (*role, model.enabled[*user]))).collect();
        prop_assert_eq!(real.members().await, expected);
        prop_assert!(!model.active || model.has_active_owner(), "an active organization has an active owner");
    }
    f.assert_sound().await;
    Ok(())
}

/// 64 sequences, or as many as `OPS_CENTER_TEST_CASES` says.
#[expect(clippy::disallowed_methods, reason = "where the test rig says how thorough to be")]
pub(crate) fn cases() -> u32 {
    std::env::var("OPS_CENTER_TEST_CASES").ok().map_or(64, |cases| cases.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn members_agree_with_a_naive_model() {
    on_each(async |f| {
        let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
        let sequence = prop::collection::vec(step(), 1..24);
        tokio::task::block_in_place(|| {
            let run = |steps: Vec<Step>| Handle::current().block_on(agree(f, &steps));
            TestRunner::new(config).run(&sequence, run).unwrap();
        });
    })
    .await;
}
