//! An active organization always has an active owner (O3, O4).

use kernel::testing::race;
use kernel::{Action, Actor, Role};
use org_core::testing::Population;
use org_core::{OrgError, OrgStatus, SettingsPatch};

use crate::world::World;

#[tokio::test]
async fn the_last_owner_can_neither_leave_nor_step_down() {
    let w = World::new(1);
    let (org, owner) = w.org(10).await;
    let admin = w.join(org, owner, "admin", Role::Admin).await;
    let (by, doing) = (w.proof(org, owner).await, Actor::user(owner));
    assert!(matches!(w.members.remove(&doing, &by, owner).await, Err(OrgError::LastOwner)));
    for to in [Role::Admin, Role::BillingAdmin, Role::Member] {
        let answer = w.members.change_role(&doing, &by, owner, to).await;
        assert!(matches!(answer, Err(OrgError::LastOwner)), "to {to}: {answer:?}");
    }
    w.members.change_role(&doing, &by, owner, Role::Owner).await.unwrap();
    assert_eq!(w.role(org, owner).await, Some(Role::Owner), "to stay what one is changes nothing");

    let second = w.join(org, owner, "second", Role::Owner).await;
    w.memory.set_enabled(second, false).await;
    assert!(matches!(w.members.remove(&doing, &by, owner).await, Err(OrgError::LastOwner)), "a disabled owner is none");
    w.memory.set_enabled(second, true).await;
    w.members.remove(&doing, &by, owner).await.unwrap();
    assert_eq!((w.role(org, owner).await, w.owners(org).await), (None, 1));
    let by = w.proof(org, second).await;
    w.members.transfer(&Actor::user(second), &by, admin).await.unwrap();
    let stale = w.members.transfer(&Actor::user(second), &by, admin).await;
    assert!(matches!(stale, Err(OrgError::OwnerOnly)), "an old proof does not make one an owner again: {stale:?}");
}

#[tokio::test]
async fn two_owners_who_remove_each_other_leave_one() {
    for seed in 0..100 {
        let w = World::new(seed);
        let (org, first) = w.org(10).await;
        let second = w.join(org, first, "second", Role::Owner).await;
        let pair = [(w.proof(org, first).await, second), (w.proof(org, second).await, first)];
        let answers = race(2, async |n| {
            let (by, victim) = pair[n];
            w.members.remove(&Actor::user(by.user()), &by, victim).await
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        assert_eq!(w.owners(org).await, 1);
    }
}

#[tokio::test]
async fn a_suspended_organization_answers_nobody_and_comes_back_only_with_an_owner() {
    let w = World::new(2);
    let (org, owner) = w.org(10).await;
    let by = w.proof(org, owner).await;
    w.orgs.set_status(&Actor::system(), org, OrgStatus::Suspended).await.unwrap();
    assert!(matches!(w.orgs.membership(org, owner).await, Err(OrgError::OrgNotFound)));
    w.members.remove(&Actor::user(owner), &by, owner).await.unwrap();
    let ownerless = w.orgs.set_status(&Actor::system(), org, OrgStatus::Active).await;
    assert!(matches!(ownerless, Err(OrgError::NoActiveOwner)), "it stays suspended, and says why: {ownerless:?}");
    assert!(matches!(w.orgs.membership(org, owner).await, Err(OrgError::OrgNotFound)));
}

#[tokio::test]
async fn a_role_that_was_taken_away_is_of_no_use() {
    let w = World::new(5);
    let (org, owner) = w.org(10).await;
    let (admin, member) =
        (w.join(org, owner, "admin", Role::Admin).await, w.join(org, owner, "member", Role::Member).await);
    let known = w.user("known").await;
    w.acquaint(admin, known).await;
    let (by, stale) = (w.proof(org, owner).await, w.proof(org, admin).await);
    let patch = SettingsPatch { auto_accept_members: Some(true), ..SettingsPatch::default() };
    w.orgs.update(&Actor::user(owner), &by, &patch).await.unwrap();
    w.members.change_role(&Actor::user(owner), &by, admin, Role::Member).await.unwrap();
    let (before, mails, doing) = (w.memory.records().len(), w.memory.mails().len(), Actor::user(admin));
    for refused in [
        w.members.remove(&doing, &stale, member).await.err(),
        w.invitations.invite_user(&doing, &stale, known, None).await.err(),
        w.invitations.invite(&doing, &stale, "new@example.com".parse().unwrap(), None).await.err(),
    ] {
        assert!(matches!(refused, Some(OrgError::Outdated)), "{refused:?}");
    }
    assert_eq!((w.memory.records().len(), w.memory.mails().len()), (before, mails), "nothing is done or said");
    assert_eq!((w.role(org, member).await, w.role(org, known).await), (Some(Role::Member), None));
    w.members.remove(&doing, &stale, admin).await.unwrap();
    assert_eq!(w.role(org, admin).await, None, "everybody may leave");
}

#[tokio::test]
async fn nothing_changes_without_its_record() {
    let w = World::new(3);
    let (org, owner) = w.org(10).await;
    let member = w.join(org, owner, "member", Role::Member).await;
    let (by, doing) = (w.proof(org, owner).await, Actor::user(owner));
    let before = w.memory.records().len();
    w.memory.refuse_records(true);
    for answer in [
        w.members.remove(&doing, &by, member).await,
        w.members.change_role(&doing, &by, member, Role::Admin).await,
        w.members.transfer(&doing, &by, member).await,
        w.orgs.set_status(&doing, org, OrgStatus::Suspended).await,
        w.orgs.delete(&doing, org, Some(&by), true).await,
    ] {
        assert!(matches!(answer, Err(OrgError::Store(_))), "{answer:?}");
    }
    w.memory.refuse_records(false);
    assert_eq!(w.memory.records().len(), before);
    assert_eq!((w.role(org, owner).await, w.role(org, member).await), (Some(Role::Owner), Some(Role::Member)));
    w.proof(org, owner).await;
    w.memory.break_down(true);
    let outage = w.orgs.membership(org, owner).await;
    assert!(matches!(outage, Err(OrgError::Store(_))), "an outage is not a missing organization: {outage:?}");
}

#[tokio::test]
async fn every_change_of_members_names_the_actor_the_organization_and_the_member() {
    let w = World::new(4);
    let (org, owner) = w.org(10).await;
    let member = w.join(org, owner, "member", Role::Member).await;
    let (by, doing) = (w.proof(org, owner).await, Actor::user(owner));
    w.members.change_role(&doing, &by, member, Role::Admin).await.unwrap();
    w.members.transfer(&doing, &by, member).await.unwrap();
    let by = w.proof(org, member).await;
    w.members.remove(&Actor::user(member), &by, owner).await.unwrap();
    let trail: Vec<_> =
        w.memory.records().into_iter().map(|r| (r.action, r.actor.user_id(), r.org, r.resource.id)).collect();
    let expected = [
        (Action::MemberRoleChanged, Some(owner), Some(org), member.to_string()),
        (Action::OwnershipTransferred, Some(owner), Some(org), member.to_string()),
        (Action::MemberRemoved, Some(member), Some(org), owner.to_string()),
    ];
    assert!(trail.ends_with(&expected), "{trail:?}");
}
