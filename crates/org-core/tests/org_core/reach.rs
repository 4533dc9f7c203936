//! Nobody gives, changes or takes a role above their own (TEN-5).

use kernel::{Actor, OrgId, Role, UserId};
use org_core::policy::reaches;
use org_core::{OrgError, Permission};

use crate::world::World;

/// Whom a role reaches: rows are the acting roles, columns the others, both as owner, admin, billing admin, member.
const REACHES: [[bool; 4]; 4] =
    [[true, true, true, true], [false, true, true, true], [false, false, false, false], [false, false, false, false]];

/// What a role allows: rows are the permissions in the order of [`Permission::ALL`], columns the roles.
const HOLDS: [[bool; 4]; 6] = [
    [true, true, false, false],
    [true, false, true, false],
    [true, true, false, false],
    [true, true, false, false],
    [true, false, false, false],
    [true, true, true, true],
];

fn each_pair() -> impl Iterator<Item = (Role, Role, bool)> {
    (0..4).flat_map(|own| (0..4).map(move |other| (Role::ALL[own], Role::ALL[other], REACHES[own][other])))
}

#[test]
fn the_table_of_reach() {
    for (own, other, expected) in each_pair() {
        assert_eq!(reaches(own, other), expected, "{own} {other}");
    }
}

#[tokio::test]
async fn the_table_of_permissions() {
    let w = World::new(1);
    let (org, owner) = w.org(100).await;
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let user = w.join(org, owner, &format!("user{n}"), role).await;
        let proof = w.proof(org, user).await;
        assert_eq!((proof.org(), proof.user(), proof.role()), (org, user, role));
        for (m, permission) in Permission::ALL.into_iter().enumerate() {
            assert_eq!(permission.held_by(role), HOLDS[m][n], "{permission:?} {role}");
            assert_eq!(proof.require(permission).is_ok(), HOLDS[m][n], "{permission:?} {role}");
        }
    }
}

/// An organization with somebody who acts and somebody who is acted on.
async fn scene(w: &World, own: Role, other: Role) -> (OrgId, UserId, UserId) {
    let (org, owner) = w.org(100).await;
    let actor = w.join(org, owner, "actor", own).await;
    let target = w.join(org, owner, "target", other).await;
    (org, actor, target)
}

/// The answer is a success where the table says so, else the refusal that fits the acting role.
fn assert_reach<T: std::fmt::Debug>(answer: &Result<T, OrgError>, own: Role, expected: bool, why: &str) {
    match answer {
        Ok(_) => assert!(expected, "{why}"),
        Err(OrgError::RoleAboveOwn) => assert!(!expected && own == Role::Admin, "{why}"),
        Err(OrgError::Forbidden(Permission::ManageMembers)) => {
            assert!(!expected && [Role::BillingAdmin, Role::Member].contains(&own), "{why}");
        }
        Err(other) => panic!("{why}: {other:?}"),
    }
}

#[tokio::test]
async fn inviting() {
    for (own, other, expected) in each_pair() {
        let w = World::new(2);
        let (org, actor, _) = scene(&w, own, Role::Member).await;
        let by = w.proof(org, actor).await;
        let mails = w.memory.mails().len();
        let email = "guest@example.com".parse().unwrap();
        let answer = w.invitations.invite(&Actor::user(actor), &by, email, Some(other)).await;
        assert_reach(&answer, own, expected, &format!("{own} invites {other}"));
        let guest = w.user("known").await;
        w.acquaint(actor, guest).await;
        let answer = w.invitations.invite_user(&Actor::user(actor), &by, guest, Some(other)).await;
        assert_reach(&answer, own, expected, &format!("{own} invites a known {other}"));
        assert_eq!(w.memory.mails().len() - mails, if expected { 2 } else { 0 }, "a refusal sends nothing");
    }
}

#[tokio::test]
async fn resending_and_revoking_an_invitation() {
    for (own, other, expected) in each_pair() {
        let w = World::new(3);
        let (org, actor, _) = scene(&w, own, Role::Member).await;
        let founder = w.proof(org, w.memory.records()[0].actor.user_id().unwrap()).await;
        let email = "guest@example.com".parse().unwrap();
        w.invitations.invite(&Actor::user(founder.user()), &founder, email, Some(other)).await.unwrap();
        let id = w.invitations.list(&founder).await.unwrap()[0].id;
        let (by, doing) = (w.proof(org, actor).await, Actor::user(actor));
        assert_reach(&w.invitations.resend(&doing, &by, id).await, own, expected, &format!("{own} resends {other}"));
        assert_reach(&w.invitations.revoke(&doing, &by, id).await, own, expected, &format!("{own} revokes {other}"));
        let left = w.invitations.list(&founder).await.unwrap().len();
        assert_eq!(left, usize::from(!expected), "a refusal changes nothing");
        let listed = w.invitations.list(&by).await;
        assert_eq!(listed.is_ok(), [Role::Owner, Role::Admin].contains(&own), "{own} lists");
    }
}

#[tokio::test]
async fn removing() {
    for (own, other, expected) in each_pair() {
        let w = World::new(4);
        let (org, actor, target) = scene(&w, own, other).await;
        let by = w.proof(org, actor).await;
        let answer = w.members.remove(&Actor::user(actor), &by, target).await;
        assert_reach(&answer, own, expected, &format!("{own} removes {other}"));
        assert_eq!(w.role(org, target).await, (!expected).then_some(other));
        assert!(w.members.remove(&Actor::user(actor), &by, actor).await.is_ok(), "{own} may leave");
        assert_eq!(w.role(org, actor).await, None);
    }
}

#[tokio::test]
async fn changing_roles() {
    for (own, other, touches) in each_pair() {
        for to in Role::ALL {
            let w = World::new(5);
            let (org, actor, target) = scene(&w, own, other).await;
            let by = w.proof(org, actor).await;
            let expected = touches && reaches(own, to);
            let answer = w.members.change_role(&Actor::user(actor), &by, target, to).await;
            assert_reach(&answer, own, expected, &format!("{own} makes {other} {to}"));
            assert_eq!(w.role(org, target).await, Some(if expected { to } else { other }));
        }
    }
}

#[tokio::test]
async fn changing_ones_own_role() {
    for (own, to, expected) in each_pair() {
        let w = World::new(6);
        let (org, actor, _) = scene(&w, own, Role::Member).await;
        let by = w.proof(org, actor).await;
        let answer = w.members.change_role(&Actor::user(actor), &by, actor, to).await;
        assert_reach(&answer, own, expected, &format!("{own} becomes {to}"));
        assert_eq!(w.role(org, actor).await, Some(if expected { to } else { own }));
    }
}

#[tokio::test]
async fn handing_over() {
    for (own, other, _) in each_pair() {
        let w = World::new(7);
        let (org, actor, heir) = scene(&w, own, other).await;
        let by = w.proof(org, actor).await;
        let answer = w.members.transfer(&Actor::user(actor), &by, heir).await;
        if own == Role::Owner {
            answer.unwrap();
            assert_eq!((w.role(org, actor).await, w.role(org, heir).await), (Some(Role::Admin), Some(Role::Owner)));
        } else {
            assert!(matches!(answer, Err(OrgError::OwnerOnly)), "{own} hands over: {answer:?}");
            assert_eq!((w.role(org, actor).await, w.role(org, heir).await), (Some(own), Some(other)));
        }
    }
}

#[tokio::test]
async fn people_of_other_organizations_are_not_there() {
    let w = World::new(8);
    let (org, owner) = w.org(100).await;
    let (foreign, stranger) = w.org(100).await;
    let theirs = w.join(foreign, stranger, "theirs", Role::Member).await;
    let (by, doing) = (w.proof(org, owner).await, Actor::user(owner));
    for nobody in [theirs, stranger, UserId::mint(&w.ambient)] {
        for answer in [
            w.members.remove(&doing, &by, nobody).await,
            w.members.change_role(&doing, &by, nobody, Role::Member).await,
            w.members.transfer(&doing, &by, nobody).await,
        ] {
            assert!(matches!(answer, Err(OrgError::MemberNotFound)), "{answer:?}");
        }
        assert!(matches!(w.orgs.membership(org, nobody).await, Err(OrgError::OrgNotFound)), "foreign is as unknown");
    }
    assert_eq!(
        (w.role(foreign, theirs).await, w.role(foreign, stranger).await),
        (Some(Role::Member), Some(Role::Owner))
    );
    assert!(
        matches!(w.members.transfer(&doing, &by, owner).await, Err(OrgError::MemberNotFound)),
        "nor oneself, as an heir"
    );
}
