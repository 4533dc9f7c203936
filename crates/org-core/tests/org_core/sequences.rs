//! Ten thousand random histories of an organization: whatever people do in whatever order, an active organization has an active
//! owner, nobody is given a role by somebody whom it is above, and the seats hold (TEN-5).

use std::collections::HashMap;
use std::time::Duration;

use kernel::{Actor, Email, OrgId, Page, Role, UserId};
use org_core::testing::Population;
use org_core::{
    InvitationStore, InvitationToken, Invited, MemberFilter, MemberStatus, MemberStore, OrgError, OrgStatus, OrgStore,
    SettingsPatch,
};
use proptest::prelude::*;

use crate::world::World;

const PEOPLE: usize = 6;
const SEATS: u32 = 4;

/// Something that somebody tries.
#[derive(Debug, Clone, Copy)]
enum Step {
    Invite(usize, usize, Role),
    Accept(usize),
    Resend(usize, usize),
    Revoke(usize, usize),
    Remove(usize, usize),
    ChangeRole(usize, usize, Role),
    Transfer(usize, usize),
    AutoAccept(usize, bool),
    Switch(usize, bool),
    Status(OrgStatus),
    Pass(u64),
}

fn person() -> impl Strategy<Value = usize> {
    0..PEOPLE
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(Role::ALL.to_vec())
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(vec![OrgStatus::Active, OrgStatus::Active, OrgStatus::Suspended]);
    prop_oneof![
        6 => (person(), person(), role()).prop_map(|(by, whom, role)| Step::Invite(by, whom, role)),
        6 => person().prop_map(Step::Accept),
        1 => (person(), person()).prop_map(|(by, which)| Step::Resend(by, which)),
        1 => (person(), person()).prop_map(|(by, which)| Step::Revoke(by, which)),
        4 => (person(), person()).prop_map(|(by, whom)| Step::Remove(by, whom)),
        5 => (person(), person(), role()).prop_map(|(by, whom, role)| Step::ChangeRole(by, whom, role)),
        2 => (person(), person()).prop_map(|(by, heir)| Step::Transfer(by, heir)),
        1 => (person(), any::<bool>()).prop_map(|(by, on)| Step::AutoAccept(by, on)),
        2 => (person(), any::<bool>()).prop_map(|(whom, on)| Step::Switch(whom, on)),
        1 => status.prop_map(Step::Status),
        1 => (1_u64..9).prop_map(Step::Pass),
    ]
}

struct History {
    w: World,
    org: OrgId,
    people: Vec<UserId>,
    /// What each open token gives, as far as the one who gave it could.
    granted: HashMap<usize, (InvitationToken, Role)>,
}

type Roles = HashMap<UserId, Role>;

fn email(n: usize) -> Email {
    let name = if n == 0 { "founder".to_owned() } else { format!("person{n}") };
    format!("{name}@example.com").parse().expect("an address")
}

/// Whom a role may touch, written down a second time.
fn may_touch(own: Role, other: Role) -> bool {
    own == Role::Owner || own == Role::Admin && other != Role::Owner
}

impl History {
    async fn begin(seed: u64) -> Self {
        let w = World::new(seed);
        let (org, founder) = w.org(SEATS).await;
        let mut people = vec![founder];
        for n in 1..PEOPLE {
            people.push(w.user(&format!("person{n}")).await);
        }
        Self { w, org, people, granted: HashMap::new() }
    }

    async fn roles(&self) -> Roles {
        let page = Page::new(Page::MAX_LIMIT, 0).unwrap();
        let found = MemberStore::page(self.w.memory.as_ref(), self.org, &MemberFilter::default(), page).await.unwrap();
        found.items.into_iter().map(|member| (member.user, member.role)).collect()
    }

    async fn active_owners(&self) -> usize {
        let filter = MemberFilter { role: Some(Role::Owner), search: None };
        let found = MemberStore::page(self.w.memory.as_ref(), self.org, &filter, Page::default()).await.unwrap();
        found.items.iter().filter(|member| member.status == MemberStatus::Active).count()
    }

    async fn status(&self) -> OrgStatus {
        OrgStore::find(self.w.memory.as_ref(), self.org).await.unwrap().unwrap().status
    }

    /// Takes one step; who acted, in which role, and whether it was done.
    async fn take(&mut self, step: Step) -> (Option<(UserId, Role)>, Result<(), OrgError>) {
        match step {
            Step::Accept(n) => (None, self.accept(n).await),
            Step::Switch(n, on) => {
                self.switch(n, on).await;
                (None, Ok(()))
            }
            Step::Status(status) => (None, self.w.orgs.set_status(&Actor::system(), self.org, status).await),
            Step::Pass(days) => {
                self.w.clock.advance(Duration::from_hours(24 * days));
                (None, Ok(()))
            }
            Step::Invite(by, ..)
            | Step::Resend(by, _)
            | Step::Revoke(by, _)
            | Step::Remove(by, _)
            | Step::ChangeRole(by, ..)
            | Step::Transfer(by, _)
            | Step::AutoAccept(by, _) => self.act(self.people[by], step).await,
        }
    }

    async fn act(&mut self, actor: UserId, step: Step) -> (Option<(UserId, Role)>, Result<(), OrgError>) {
        let by = match self.w.orgs.membership(self.org, actor).await {
            Ok(by) => by,
            Err(refused) => return (None, Err(refused)),
        };
        let doing = Actor::user(actor);
        let answer = match step {
            Step::Invite(_, whom, role) => {
                let invited = self.w.invitations.invite(&doing, &by, email(whom), Some(role)).await;
                if let Ok(Invited::Invitation { .. }) = invited {
                    assert!(may_touch(by.role(), role), "{} invites {role}", by.role());
                    self.granted.insert(whom, (self.w.last_token(), role));
                }
                invited.map(drop)
            }
            Step::Resend(_, which) => self.resend(&doing, &by, which).await,
            Step::Revoke(_, which) => match self.granted.get(&which) {
                Some((token, _)) => match self.w.memory.by_token(&token.hash()).await.unwrap() {
                    Some(invitation) => self.w.invitations.revoke(&doing, &by, invitation.id).await,
                    None => Err(OrgError::InvitationNotFound),
                },
                None => Err(OrgError::InvitationNotFound),
            },
            Step::Remove(_, whom) => self.w.members.remove(&doing, &by, self.people[whom]).await,
            Step::ChangeRole(_, whom, role) => self.w.members.change_role(&doing, &by, self.people[whom], role).await,
            Step::Transfer(_, heir) => self.w.members.transfer(&doing, &by, self.people[heir]).await,
            Step::AutoAccept(_, on) => {
                let patch = SettingsPatch { auto_accept_members: Some(on), ..SettingsPatch::default() };
                self.w.orgs.update(&doing, &by, &patch).await.map(drop)
            }
            Step::Accept(_) | Step::Switch(..) | Step::Status(_) | Step::Pass(_) => unreachable!("nobody acts"),
        };
        (Some((actor, by.role())), answer)
    }

    async fn resend(&mut self, doing: &Actor, by: &org_core::Membership, which: usize) -> Result<(), OrgError> {
        let Some((token, role)) = self.granted.get(&which).cloned() else { return Err(OrgError::InvitationNotFound) };
        let found = self.w.memory.by_token(&token.hash()).await.unwrap().ok_or(OrgError::InvitationNotFound)?;
        self.w.invitations.resend(doing, by, found.id).await?;
        self.granted.insert(which, (self.w.last_token(), role));
        Ok(())
    }

    async fn accept(&mut self, n: usize) -> Result<(), OrgError> {
        let Some((token, role)) = self.granted.get(&n) else { return Err(OrgError::InvitationNotFound) };
        let (_, given) = self.w.invitations.accept(&Actor::user(self.people[n]), self.people[n], token).await?;
        assert_eq!(given, *role, "an invitation gives what it said");
        Ok(())
    }

    /// The account store refuses to disable the last active owner of an active organization.
    async fn switch(&mut self, n: usize, on: bool) {
        let user = self.people[n];
        let is_owner = self.roles().await.get(&user) == Some(&Role::Owner);
        if on || !is_owner || self.active_owners().await > 1 || self.status().await != OrgStatus::Active {
            self.w.memory.set_enabled(user, on).await;
        }
    }

    async fn check(&self, step: Step, before: &Roles, actor: Option<(UserId, Role)>, answer: &Result<(), OrgError>) {
        let after = self.roles().await;
        if answer.is_err() {
            assert_eq!(before, &after, "a refusal changes nothing: {step:?} {answer:?}");
        }
        assert!(!matches!(answer, Err(OrgError::Store(_))), "{step:?}");
        if self.status().await == OrgStatus::Active {
            assert!(self.active_owners().await >= 1, "an active organization has an active owner: {step:?}");
        }
        if let Some((user, own)) = actor {
            assert_within_reach(user, own, before, &after, step);
        }
        let (members, seats) = (after.len(), usize::try_from(SEATS).unwrap());
        let open = InvitationStore::open(self.w.memory.as_ref(), self.org, self.w.ambient.now()).await.unwrap().len();
        assert!(members + open <= seats, "{members} members, {open} invitations: {step:?}");
    }
}

fn assert_within_reach(actor: UserId, own: Role, before: &Roles, after: &Roles, step: Step) {
    for user in before.keys().chain(after.keys()) {
        let (was, is) = (before.get(user), after.get(user));
        if was == is {
            continue;
        }
        if *user == actor {
            assert!(is != Some(&Role::Owner), "nobody makes themselves an owner: {step:?}");
            assert!(is.is_none() || may_touch(own, own), "{own} changes their own role: {step:?}");
        } else {
            for role in [was, is].into_iter().flatten() {
                assert!(may_touch(own, *role), "{own} touches {role}: {step:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_owners_reach_and_seats(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut history = History::begin(seed).await;
            for step in steps {
                let before = history.roles().await;
                let (actor, answer) = history.take(step).await;
                history.check(step, &before, actor, &answer).await;
            }
        });
    }
}
