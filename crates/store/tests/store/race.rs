//! What two processes and 32 tasks do to the same organization at once.
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Switched, UserStore};
use kernel::{Action, Email, InvitationId, OrgId, Role, StoreError, TokenHash, UserId};
use org_core::{
    Accepted, Added, Invitation, InvitationStore, Inviting, MemberFilter, MemberStore, Removed, Transferred,
};
use store::{Database, SeaInvitations, SeaMembers, SeaUsers};
use tokio::sync::Barrier;

use crate::fixture::{Fixture, on_each};

/// How many tasks race.
pub(crate) const TASKS: usize = 32;
/// How often a race of two is run.
pub(crate) const ROUNDS: usize = 100;

/// Runs tasks that start at the same moment, on all threads.
async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(tasks: Vec<F>) -> Vec<T> {
    let start = Arc::new(Barrier::new(tasks.len()));
    let spawned: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in spawned {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Two processes with the same database.
pub(crate) struct Processes([Database; 2]);

impl Processes {
    pub(crate) async fn of(f: &Fixture) -> Self {
        Self([f.db.clone(), f.second().await])
    }

    pub(crate) fn db(&self, task: usize) -> Database {
        self.0[task % 2].clone()
    }

    /// Races 32 tasks, half of them in either process.
    pub(crate) async fn race<T, F>(&self, task: impl Fn(Database, usize) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        race((0..TASKS).map(|n| task(self.db(n), n)).collect()).await
    }
}

pub(crate) fn times<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}

async fn owners(f: &Fixture, org: OrgId) -> usize {
    let filter = MemberFilter { role: Some(Role::Owner), search: None };
    let page = SeaMembers::new(&f.db).page(org, &filter, kernel::Page::default()).await.unwrap();
    page.items.iter().filter(|member| member.status == org_core::MemberStatus::Active).count()
}

async fn members(f: &Fixture, org: OrgId) -> u64 {
    let page = SeaMembers::new(&f.db).page(org, &MemberFilter::default(), kernel::Page::default()).await.unwrap();
    page.total
}

async fn org_with_owners(f: &Fixture, n: usize) -> (OrgId, Vec<UserId>) {
    let first = f.new_user().await;
    let org = f.new_org(first).await;
    let mut owners = vec![first];
    while owners.len() < n {
        let next = f.new_user().await;
        auth_core::testing::Population::join(f, org, next, Role::Owner, f.ambient.now()).await;
        owners.push(next);
    }
    (org, owners)
}

/// TEN-5: two owners remove each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_remove_each_other_one_stays() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        for _ in 0..ROUNDS {
            let (org, pair) = org_with_owners(f, 2).await;
            let remove = |db: Database, user| {
                let record = f.record(Action::MemberRemoved);
                async move { SeaMembers::new(&db).remove(org, user, Role::Owner, &record).await.unwrap() }
            };
            let answers = race(vec![remove(processes.db(0), pair[1]), remove(processes.db(1), pair[0])]).await;
            assert_eq!(times(&answers, &Removed::Removed), 1, "{answers:?}");
            assert_eq!(times(&answers, &Removed::LastOwner), 1, "{answers:?}");
            assert_eq!((owners(f, org).await, members(f, org).await), (1, 1));
        }
        f.assert_sound().await;
    })
    .await;
}

/// TEN-5: an owner is handed the organization, while their account is being disabled and the old owner leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_heir_who_is_being_disabled_leaves_no_orphan() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        for _ in 0..ROUNDS {
            let (org, pair) = org_with_owners(f, 1).await;
            let (owner, heir) = (pair[0], f.new_user().await);
            auth_core::testing::Population::join(f, org, heir, Role::Member, f.ambient.now()).await;
            let (first, second) = (processes.db(0), processes.db(1));
            let (disabled, given, left) = (
                f.record(Action::UserDisabled),
                f.record(Action::OwnershipTransferred),
                f.record(Action::MemberRemoved),
            );
            let disable =
                tokio::spawn(async move { SeaUsers::new(&first).set_enabled(heir, false, &disabled).await.unwrap() });
            let give = tokio::spawn(async move {
                let members = SeaMembers::new(&second);
                let given = members.transfer(org, owner, heir, &given).await.unwrap();
                let left = members.remove(org, owner, Role::Admin, &left).await.unwrap();
                (given, left)
            });
            let (disabled, given) = (disable.await.unwrap(), give.await.unwrap());
            match disabled {
                Switched::Done => assert_eq!(given, (Transferred::NotFound, Removed::NotFound)),
                Switched::LastOwner => assert_eq!(given, (Transferred::Transferred, Removed::Removed)),
                Switched::NotFound => panic!("the heir exists"),
            }
            assert_eq!(owners(f, org).await, 1, "an active owner is left");
        }
        f.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_owners_do_to_each_other_one_stays() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        for _ in 0..3 {
            let (org, eight) = org_with_owners(f, 8).await;
            processes
                .race(|db, n| {
                    let (user, next) = (eight[n % 8], eight[(n + 1) % 8]);
                    let record = f.record(Action::MemberRemoved);
                    async move {
                        let members = SeaMembers::new(&db);
                        match n / 8 {
                            0 => members.remove(org, user, Role::Owner, &record).await.map(drop).unwrap(),
                            1 => SeaUsers::new(&db).set_enabled(user, false, &record).await.map(drop).unwrap(),
                            2 => members
                                .change_role(org, user, Role::Owner, Role::Member, &record)
                                .await
                                .map(drop)
                                .unwrap(),
                            _ => members.transfer(org, user, next, &record).await.map(drop).unwrap(),
                        }
                    }
                })
                .await;
            assert!(owners(f, org).await >= 1, "an active owner is left");
            f.assert_sound().await;
        }
    })
    .await;
}

/// Who is disabled and enabled while others take them in and send them away is counted right.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_who_come_and_go_while_being_disabled_are_counted() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let user = f.new_user().await;
        let mut orgs = Vec::new();
        for _ in 0..8 {
            orgs.push(org_with_owners(f, 1).await.0);
        }
        for _ in 0..10 {
            processes
                .race(|db, n| {
                    let (record, org) = (f.record(Action::MemberAdded), orgs[n % 8]);
                    async move {
                        let members = SeaMembers::new(&db);
                        match n % 4 {
                            0 | 1 => members.add(org, user, Role::Member, 100, &record).await.map(drop).unwrap(),
                            2 => members.remove(org, user, Role::Member, &record).await.map(drop).unwrap(),
                            _ => match SeaUsers::new(&db).set_enabled(user, n % 8 == 3, &record).await {
                                // The account is disabled over and over while it joins: giving up is an answer.
                                Ok(_) | Err(StoreError::Unavailable(_)) => {}
                                Err(err) => panic!("{err:?}"),
                            },
                        }
                    }
                })
                .await;
            f.assert_sound().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn seats_are_never_exceeded() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let (org, owners) = org_with_owners(f, 1).await;
        let mut users = Vec::new();
        for _ in 0..TASKS {
            users.push(f.new_user().await);
        }
        let answers = processes
            .race(|db, n| {
                let (record, user) = (f.record(Action::MemberAdded), users[n]);
                let (token, invitation) = invitation(f, org, owners[0], n);
                async move {
                    if n % 4 < 2 {
                        SeaMembers::new(&db).add(org, user, Role::Member, 7, &record).await.unwrap() == Added::Added
                    } else {
                        let store = SeaInvitations::new(&db);
                        store.create(&invitation, &token, 7, &record).await.unwrap() == Inviting::Created
                    }
                }
            })
            .await;
        assert_eq!(times(&answers, &true), 6, "beside the owner's all seats and no more");
        let open = SeaInvitations::new(&f.db).open(org, f.ambient.now()).await.unwrap().len();
        assert_eq!(members(f, org).await + u64::try_from(open).unwrap(), 7);
        f.assert_sound().await;
    })
    .await;
}

fn invitation(f: &Fixture, org: OrgId, owner: UserId, n: usize) -> (TokenHash, Invitation) {
    let now = f.ambient.now();
    let invitation = Invitation {
        id: InvitationId::mint(&f.ambient),
        org,
        email: Email::parse(&format!("guest{n}@example.com")).unwrap(),
        role: Role::Member,
        invited_by: owner,
        created_at: now,
        expires_at: now + Duration::from_hours(1),
    };
    (TokenHash::from_bytes(f.ambient.random()), invitation)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_32_accepts_an_invitation() {
    on_each(async |f| {
        let processes = Processes::of(f).await;
        let (org, owners) = org_with_owners(f, 1).await;
        let (token, invitation) = invitation(f, org, owners[0], 0);
        let record = f.record(Action::InvitationCreated);
        SeaInvitations::new(&f.db).create(&invitation, &token, 100, &record).await.unwrap();
        let mut users = Vec::new();
        for _ in 0..TASKS {
            users.push(f.new_user().await);
        }
        let answers = processes
            .race(|db, n| {
                let (record, user) = (f.record(Action::InvitationAccepted), users[n]);
                async move { SeaInvitations::new(&db).accept(&token, user, 100, &record).await.unwrap() }
            })
            .await;
        assert_eq!(times(&answers, &Accepted::Accepted), 1);
        assert_eq!(times(&answers, &Accepted::Gone), TASKS - 1);
        assert_eq!(members(f, org).await, 2);
        f.assert_sound().await;
    })
    .await;
}
