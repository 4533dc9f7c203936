use kernel::testing::race;
use kernel::{OrgId, Role, TokenHash, UserId};

use super::invitations::{new_token, renew, revoke};
use super::settings::try_patch;
use super::stage::{DAY, MANY, Stage};
use crate::{
    Added, Changed, Invitation, Inviting, MemberFilter, Patched, Removed, Renewed, Revoked, SettingsPatch, Transferred,
};

/// Asks a new address in, with a role.
async fn invite(by: &Stage<'_>, org: OrgId, caller: UserId, role: Role) -> Inviting {
    let number = by.tick().timestamp();
    let (token, draft) = by.invitation(org, caller, &by.unique(&format!("asked{number}@example.com")));
    by.open(&token, &crate::Invitation { role, ..draft }, MANY).await
}

/// The part of the contract about members whose caller may not any more.
pub(super) async fn changes_members_as_long_as_they_may(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let (admin, member, guest) = (s.member(org, Role::Admin).await, s.member(org, Role::Member).await, s.user().await);
    s.member(org, Role::Owner).await;
    let by = s.acting(admin);
    assert_eq!(by.add(org, guest, Role::Owner, MANY).await, Added::Outdated, "no owner by an admin");
    assert_eq!(by.remove(org, owner, Role::Owner).await, Removed::Outdated, "an owner neither");
    assert_eq!(by.change_role(org, owner, Role::Owner, Role::Member).await, Changed::Outdated);
    assert_eq!(by.change_role(org, member, Role::Member, Role::Owner).await, Changed::Outdated);
    assert_eq!(by.add(org, guest, Role::Admin, MANY).await, Added::Added, "everybody else");
    assert_eq!(by.change_role(org, guest, Role::Admin, Role::Member).await, Changed::Changed);
    assert_eq!(by.remove(org, guest, Role::Member).await, Removed::Removed);

    let nothing_is_done = async |why: &str| {
        for seats in [0, MANY] {
            assert_eq!(by.add(org, guest, Role::Member, seats).await, Added::Outdated, "{why}, whatever is free");
        }
        assert_eq!(by.remove(org, member, Role::Member).await, Removed::Outdated, "{why}");
        assert_eq!(by.change_role(org, member, Role::Member, Role::Admin).await, Changed::Outdated, "{why}");
        assert_eq!((s.role(org, guest).await, s.role(org, member).await), (None, Some(Role::Member)), "{why}");
    };
    let mut before = Role::Admin;
    for to in [Role::Member, Role::BillingAdmin] {
        assert_eq!(s.change_role(org, admin, before, to).await, Changed::Changed);
        nothing_is_done(&format!("demoted to {to}")).await;
        before = to;
    }
    assert_eq!(by.remove(org, admin, before).await, Removed::Removed, "everybody may leave");
    nothing_is_done("removed").await;
    let stranger = s.acting(s.user().await);
    assert_eq!(stranger.add(org, guest, Role::Owner, MANY).await, Added::Added, "who never was one has another right");
    assert_eq!(stranger.remove(org, guest, Role::Owner).await, Removed::Removed);
    let (other, elsewhere) = s.org().await;
    assert_eq!(s.add(org, elsewhere, Role::Member, MANY).await, Added::Added);
    let foreign = s.acting(elsewhere);
    assert_eq!(foreign.add(org, guest, Role::Member, MANY).await, Added::Outdated, "an owner elsewhere is none here");
    assert_eq!(foreign.add(other, guest, Role::Owner, MANY).await, Added::Added);
}

/// The part of the contract about invitations whose caller may not any more.
pub(super) async fn invites_as_long_as_they_may(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let admin = s.member(org, Role::Admin).await;
    let by = s.acting(admin);
    assert_eq!(invite(&by, org, admin, Role::Owner).await, Inviting::Outdated, "no owner by an admin");
    assert_eq!(invite(&by, org, admin, Role::Admin).await, Inviting::Created);
    assert_eq!(invite(&s.acting(owner), org, owner, Role::Owner).await, Inviting::Created);
    let open = s.listed(org, s.tick()).await;
    assert_eq!(open.len(), 2);
    assert_eq!(s.change_role(org, admin, Role::Admin, Role::Member).await, Changed::Changed);
    assert_eq!(invite(&by, org, admin, Role::Member).await, Inviting::Outdated, "demoted");
    assert_eq!(s.remove(org, admin, Role::Member).await, Removed::Removed);
    assert_eq!(invite(&by, org, admin, Role::Member).await, Inviting::Outdated, "removed");
    assert_eq!(s.listed(org, s.tick()).await, open, "nobody was asked");
    let stranger = s.user().await;
    let asked = invite(&s.acting(stranger), org, stranger, Role::Owner).await;
    assert_eq!(asked, Inviting::Created, "who never was a member has another right");
}

/// The part of the contract about the same for invitations that are sent again or taken back.
pub(super) async fn renews_and_revokes_as_long_as_they_may(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let admin = s.member(org, Role::Admin).await;
    let by = s.acting(admin);
    let (_, plain) = s.invite(org, owner).await;
    let (token, for_owner) = s.invitation(org, owner, &s.unique("heir@example.com"));
    let for_owner = Invitation { role: Role::Owner, ..for_owner };
    assert_eq!(s.open(&token, &for_owner, MANY).await, Inviting::Created);
    let nothing_is_done = async |invitation: &Invitation, why: &str| {
        let before = s.listed(org, s.tick()).await;
        assert_eq!(renew(&by, invitation, &new_token(s)).await, Renewed::Outdated, "{why}");
        assert_eq!(revoke(&by, invitation).await, Revoked::Outdated, "{why}");
        assert_eq!(s.listed(org, s.tick()).await, before, "{why}");
    };
    nothing_is_done(&for_owner, "an owner's invitation is above an admin").await;
    assert!(s.by_token(&token).await.is_some(), "its link lives");
    let later = Invitation { expires_at: plain.expires_at + DAY, ..plain.clone() };
    assert_eq!(renew(&by, &later, &new_token(s)).await, Renewed::Renewed(later.clone()), "everything else is not");
    for to in [Role::Member, Role::BillingAdmin] {
        let now = s.role(org, admin).await.unwrap();
        assert_eq!(s.change_role(org, admin, now, to).await, Changed::Changed);
        nothing_is_done(&later, &format!("demoted to {to}")).await;
    }
    assert_eq!(s.remove(org, admin, Role::BillingAdmin).await, Removed::Removed);
    nothing_is_done(&later, "removed").await;
    assert_eq!(revoke(&s.acting(owner), &for_owner).await, Revoked::Revoked, "an owner may");
    let stranger = s.acting(s.user().await);
    assert_eq!(revoke(&stranger, &later).await, Revoked::Revoked, "who never was a member has another right");
}

/// A patch that says something new each time.
fn described(number: usize) -> SettingsPatch {
    SettingsPatch { description: Some(Some(format!("number {number}"))), ..SettingsPatch::default() }
}

/// The part of the contract about settings whose caller may not change them any more.
pub(super) async fn settles_as_long_as_they_may(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let admin = s.member(org, Role::Admin).await;
    let by = s.acting(admin);
    for (number, who) in [owner, admin].into_iter().enumerate() {
        assert!(matches!(try_patch(&s.acting(who), org, &described(number)).await, Patched::Patched(_)));
    }
    let settled = s.stores.orgs.find(org).await.unwrap();
    for to in [Role::BillingAdmin, Role::Member] {
        let now = s.role(org, admin).await.unwrap();
        assert_eq!(s.change_role(org, admin, now, to).await, Changed::Changed);
        assert_eq!(try_patch(&by, org, &described(7)).await, Patched::Outdated, "demoted to {to}");
    }
    assert_eq!(s.remove(org, admin, Role::Member).await, Removed::Removed);
    assert_eq!(try_patch(&by, org, &described(8)).await, Patched::Outdated, "removed");
    assert_eq!(s.stores.orgs.find(org).await.unwrap(), settled, "nothing was changed");
    let stranger = s.acting(s.user().await);
    let other = try_patch(&stranger, org, &described(9)).await;
    assert!(matches!(other, Patched::Patched(_)), "who never was a member has another right");
}

/// Everybody who is in, who is asked in and until when, and what was said of the organization.
async fn population(s: &Stage<'_>, org: OrgId) -> (Vec<(UserId, Role)>, Vec<Invitation>, Option<String>) {
    let members = s.members(org, &MemberFilter::default()).await;
    let members = members.iter().map(|member| (member.user, member.role)).collect();
    let found = s.stores.orgs.find(org).await.unwrap().unwrap();
    (members, s.listed(org, s.tick()).await, found.settings.description)
}

/// Whom an admin acts on.
struct Objects {
    org: OrgId,
    admin: UserId,
    member: UserId,
    guest: UserId,
    invitation: Invitation,
}

/// What an admin does: removes a member, adds a guest, invites somebody, sends an invitation again, takes it back, or changes the
/// settings.
async fn tries(by: &Stage<'_>, on: &Objects, n: usize) {
    let Objects { org, admin, member, guest, invitation } = on;
    match n % 6 {
        0 => {
            by.remove(*org, *member, Role::Member).await;
        }
        1 => {
            by.add(*org, *guest, Role::Member, MANY).await;
        }
        2 => {
            let (token, draft) = by.invitation(*org, *admin, &by.unique(&format!("{org}-{n}@example.com")));
            by.open(&token, &draft, MANY).await;
        }
        3 => {
            let later = Invitation { expires_at: invitation.expires_at + DAY, ..invitation.clone() };
            renew(by, &later, &new_token(by)).await;
        }
        4 => {
            revoke(by, invitation).await;
        }
        _ => {
            try_patch(by, *org, &described(n)).await;
        }
    }
}

/// An admin loses the role, or is removed, while they add, remove, invite and settle: from then on nothing changes.
pub(super) async fn nothing_follows_a_demotion(s: &Stage<'_>) {
    for removed in [false, true] {
        let (org, _) = s.org().await;
        let admin = s.member(org, Role::Admin).await;
        let by = s.acting(admin);
        let mut objects = Vec::new();
        for _ in 0..16 {
            let (member, guest) = (s.member(org, Role::Member).await, s.user().await);
            let invitation = s.invite(org, admin).await.1;
            objects.push(Objects { org, admin, member, guest, invitation });
        }
        let answers = race(32, async |n| match n {
            8 if removed => {
                assert_eq!(s.remove(org, admin, Role::Admin).await, Removed::Removed);
                Some(population(s, org).await)
            }
            8 => {
                assert_eq!(s.change_role(org, admin, Role::Admin, Role::Member).await, Changed::Changed);
                Some(population(s, org).await)
            }
            _ => {
                tries(&by, &objects[n / 2], n).await;
                None
            }
        })
        .await;
        let then = answers.into_iter().flatten().next().unwrap();
        assert_eq!(population(s, org).await, then, "whoever was told that the role is gone has seen the last change");
        assert_eq!(by.add(org, objects[15].guest, Role::Member, MANY).await, Added::Outdated);
    }
}

/// All seats are taken until the admin who adds and invites is removed: whoever gets the seat got it without the role.
pub(super) async fn nobody_takes_the_seat_they_left(s: &Stage<'_>) {
    let (org, _) = s.org().await;
    let admin = s.member(org, Role::Admin).await;
    let by = s.acting(admin);
    let mut guests = Vec::new();
    for _ in 0..16 {
        guests.push(s.user().await);
    }
    let answers = race(32, async |n| match n {
        4 => s.remove(org, admin, Role::Admin).await == Removed::Removed,
        _ if n % 2 == 0 => {
            [Added::SeatLimit, Added::Outdated].contains(&by.add(org, guests[n / 2], Role::Member, 2).await)
        }
        _ => {
            let token = TokenHash::from_bytes(s.stores.ambient.random());
            let (_, invitation) = by.invitation(org, admin, &s.unique(&format!("{org}-{n}@example.com")));
            [Inviting::SeatLimit, Inviting::Outdated].contains(&by.open(&token, &invitation, 2).await)
        }
    })
    .await;
    assert!(answers.iter().all(|fine| *fine), "a seat was taken by somebody who was removed: {answers:?}");
}

/// The heir is an owner from the moment on in which the giver is none: whoever removes or demotes an owner did so without the role.
pub(super) async fn nobody_brings_their_heir_down(s: &Stage<'_>) {
    let (org, giver) = s.org().await;
    let heir = s.member(org, Role::Member).await;
    s.member(org, Role::Owner).await;
    let by = s.acting(giver);
    let answers = race(32, async |n| match n {
        4 => s.transfer(org, giver, heir).await == Transferred::Transferred,
        _ if n % 2 == 0 => [Removed::NotFound, Removed::Outdated].contains(&by.remove(org, heir, Role::Owner).await),
        _ => by.change_role(org, heir, Role::Owner, Role::Member).await == Changed::Outdated,
    })
    .await;
    assert!(answers.iter().all(|fine| *fine), "an owner was brought down by somebody who was none: {answers:?}");
    assert_eq!(s.role(org, heir).await, Some(Role::Owner));
}
