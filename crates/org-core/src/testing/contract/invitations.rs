use kernel::{Action, InvitationId, Record, Role, Timestamp, TokenHash};

use super::callers;
use super::stage::{DAY, MANY, SECOND, Stage};
use crate::testing::OrgStores;
use crate::{Accepted, Invitation, Inviting, Renewal, Renewed, Revoked};

/// What every [`InvitationStore`](crate::InvitationStore) promises.
pub async fn invitation_store_contract(stores: OrgStores<'_>) {
    opens_and_lists(&Stage::new(stores)).await;
    opens_one_for_an_address(&Stage::new(stores)).await;
    opens_within_the_seats(&Stage::new(stores)).await;
    replaces_an_expired_one(&Stage::new(stores)).await;
    renews(&Stage::new(stores)).await;
    renews_within_the_seats(&Stage::new(stores)).await;
    revokes(&Stage::new(stores)).await;
    accepts_once(&Stage::new(stores)).await;
    accepts_within_the_seats(&Stage::new(stores)).await;
    callers::invites_as_long_as_they_may(&Stage::new(stores)).await;
    callers::renews_and_revokes_as_long_as_they_may(&Stage::new(stores)).await;
}

/// Renews an invitation until its end, now and with more seats than there are people.
pub(super) async fn renew(s: &Stage<'_>, invitation: &Invitation, token: &TokenHash) -> Renewed {
    let renewal = Renewal { token: *token, expires_at: invitation.expires_at, seats: MANY };
    renew_at(s, invitation, &renewal, s.tick()).await
}

/// Renews an invitation at a time.
pub(super) async fn renew_at(s: &Stage<'_>, old: &Invitation, renewal: &Renewal, at: Timestamp) -> Renewed {
    let record = Record { at, ..s.record(Action::InvitationResent, old.org) };
    let answer = s.stores.invitations.renew(old.org, old.id, renewal, &record).await.unwrap();
    s.assert_kept(&record, matches!(answer, Renewed::Renewed(_))).await;
    answer
}

/// Takes an invitation back.
pub(super) async fn revoke(s: &Stage<'_>, invitation: &Invitation) -> Revoked {
    let record = s.record(Action::InvitationRevoked, invitation.org);
    let answer = s.stores.invitations.revoke(invitation.org, invitation.id, &record).await.unwrap();
    s.assert_kept(&record, answer == Revoked::Revoked).await;
    answer
}

pub(super) fn new_token(s: &Stage<'_>) -> TokenHash {
    TokenHash::from_bytes(s.stores.ambient.random())
}

async fn opens_and_lists(s: &Stage<'_>) {
    let ((org, owner), (other, stranger)) = (s.org().await, s.org().await);
    assert_eq!(s.listed(org, s.tick()).await, vec![], "nobody was asked");
    assert_eq!(s.by_token(&new_token(s)).await, None, "an unknown token");
    let (first_token, first) = s.invite(org, owner).await;
    let (_, second) = s.invite(org, owner).await;
    let (_, foreign) = s.invite(other, stranger).await;
    let now = s.tick();
    assert_eq!(s.listed(org, now).await, vec![second.clone(), first.clone()], "newest first, as they were made");
    assert_eq!(s.listed(other, now).await, vec![foreign], "each organization has its own");
    assert_eq!(s.by_token(&first_token).await, Some(first.clone()), "by its token");
    assert_eq!(s.listed(org, first.expires_at + SECOND / 2).await, vec![second.clone()], "an expired one is not open");
    assert_eq!(s.listed(org, second.expires_at + DAY).await, vec![]);
    assert_eq!(s.by_token(&first_token).await, Some(first), "but its token still names it");
}

async fn opens_one_for_an_address(s: &Stage<'_>) {
    let ((org, owner), (other, _)) = (s.org().await, s.org().await);
    let member = s.stores.population.user(&s.unique("Straße@bücher.example"), true).await;
    assert_eq!(s.add(org, member, Role::Member, MANY).await, crate::Added::Added);
    for same in ["straße@bücher.example", "STRASSE@BÜCHER.example", "Strasse@xn--bcher-kva.example"] {
        let (token, invitation) = s.invitation(org, owner, &s.unique(same));
        assert_eq!(s.open(&token, &invitation, MANY).await, Inviting::AlreadyMember, "{same}");
        assert_eq!(s.open(&token, &invitation, 0).await, Inviting::AlreadyMember, "whether or not a seat is free");
        assert_eq!(s.by_token(&token).await, None, "and nothing was made");
    }
    let (token, invitation) = s.invitation(org, owner, &s.unique("Größe@example.com"));
    assert_eq!(s.open(&token, &invitation, MANY).await, Inviting::Created);
    for same in ["größe@example.com", "GRÖSSE@Example.com"] {
        let (second, again) = s.invitation(org, owner, &s.unique(same));
        assert_eq!(s.open(&second, &again, MANY).await, Inviting::AlreadyInvited, "{same}");
        assert_eq!(s.open(&second, &again, 0).await, Inviting::AlreadyInvited, "whether or not a seat is free");
        assert_eq!(s.by_token(&second).await, None, "and nothing was made");
    }
    let found = s.by_token(&token).await.unwrap();
    assert_eq!(found.email.as_str(), s.unique("Größe@example.com"), "the address as it was written");
    for email in ["größe@example.com", "straße@bücher.example"] {
        let (token, elsewhere) = s.invitation(other, owner, &s.unique(email));
        assert_eq!(s.open(&token, &elsewhere, MANY).await, Inviting::Created, "another organization may ask them");
    }
}

async fn opens_within_the_seats(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    s.member(org, Role::Member).await;
    let draft = |n: u32| s.invitation(org, owner, &s.unique(&format!("seat{n}@example.com")));
    let (token, first) = draft(1);
    assert_eq!(s.open(&token, &first, 2).await, Inviting::SeatLimit, "members take seats");
    assert_eq!(s.by_token(&token).await, None, "and nothing was made");
    assert_eq!(s.open(&token, &first, 3).await, Inviting::Created);
    let (token, second) = draft(2);
    assert_eq!(s.open(&token, &second, 3).await, Inviting::SeatLimit, "open invitations take seats");
    let at = first.expires_at + SECOND;
    let second = Invitation { created_at: at, expires_at: at + DAY, ..second };
    assert_eq!(s.open(&token, &second, 3).await, Inviting::Created, "expired ones do not, at the record's time");
}

async fn replaces_an_expired_one(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let (old_token, old) = s.invite(org, owner).await;
    let at = old.expires_at + SECOND;
    let (token, invitation) = s.invitation(org, owner, old.email.as_str());
    let invitation = Invitation { created_at: at, expires_at: at + DAY, role: Role::Member, ..invitation };
    assert_eq!(s.open(&token, &invitation, MANY).await, Inviting::Created);
    assert_eq!(s.listed(org, at).await, vec![invitation.clone()], "the new one is open");
    assert_eq!(s.by_token(&old_token).await, None, "the old one is gone");
    assert_eq!(renew(s, &old, &new_token(s)).await, Renewed::NotFound, "and cannot come back");
    assert_eq!(s.by_token(&token).await, Some(invitation));
}

async fn renews(s: &Stage<'_>) {
    let ((org, owner), (other, _)) = (s.org().await, s.org().await);
    let (old, invitation) = s.invite(org, owner).await;
    let (bystander, untouched) = s.invite(org, owner).await;
    let new = new_token(s);
    let later = Invitation { expires_at: invitation.expires_at + DAY * 30, ..invitation.clone() };
    let foreign = Invitation { org: other, ..later.clone() };
    assert_eq!(renew(s, &foreign, &new).await, Renewed::NotFound, "not another organization's");
    let unknown = Invitation { id: InvitationId::mint(s.stores.ambient), ..later.clone() };
    assert_eq!(renew(s, &unknown, &new).await, Renewed::NotFound, "no such invitation");
    assert_eq!(s.by_token(&old).await, Some(invitation), "and nothing changed");
    assert_eq!(renew(s, &later, &new).await, Renewed::Renewed(later.clone()), "a new end, the rest as it was");
    assert_eq!(s.by_token(&old).await, None, "the old link is dead");
    assert_eq!(s.by_token(&new).await, Some(later.clone()), "the new one lives");
    assert_eq!(s.accept(&old, org, s.user().await, MANY).await, Accepted::Gone, "nobody joins by the old one");
    assert_eq!(s.by_token(&bystander).await, Some(untouched), "no other invitation changes");
    assert_eq!(s.accept(&new, org, s.user().await, MANY).await, Accepted::Accepted);
    assert_eq!(renew(s, &later, &new_token(s)).await, Renewed::NotFound, "an accepted one is over");
}

async fn renews_within_the_seats(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let (old, invitation) = s.invite(org, owner).await;
    let end = invitation.expires_at;
    let with = |seats: u32, expires_at: Timestamp| Renewal { token: new_token(s), expires_at, seats };
    let first = with(1, end);
    let open = renew_at(s, &invitation, &first, end - SECOND).await;
    assert_eq!(open, Renewed::Renewed(invitation.clone()), "one that is open has its seat, were there none free");
    assert_eq!(s.by_token(&old).await, None);

    let (token, rival) = s.invitation(org, owner, &s.unique("rival@example.com"));
    let rival = Invitation { created_at: end, expires_at: end + DAY, ..rival };
    assert_eq!(s.open(&token, &rival, 2).await, Inviting::Created, "an expired one has lost its seat");
    for at in [end, end + SECOND] {
        let full = renew_at(s, &invitation, &with(2, at + DAY), at).await;
        assert_eq!(full, Renewed::SeatLimit, "the rival has it, at {at}");
    }
    assert_eq!(s.by_token(&first.token).await, Some(invitation.clone()), "and nothing changed");
    assert_eq!(s.listed(org, end).await, vec![rival.clone()]);
    let again = Invitation { expires_at: end + DAY, ..invitation };
    let renewal = with(3, again.expires_at);
    assert_eq!(renew_at(s, &again, &renewal, end).await, Renewed::Renewed(again.clone()), "a third seat is free");
    assert_eq!(s.by_token(&renewal.token).await, Some(again.clone()));
    let more = with(3, end + DAY * 2);
    let later = Invitation { expires_at: more.expires_at, ..again };
    assert_eq!(renew_at(s, &later, &more, end + SECOND).await, Renewed::Renewed(later.clone()), "now it has its own");
    assert_eq!(s.listed(org, end + SECOND).await, vec![rival, later]);
}

async fn revokes(s: &Stage<'_>) {
    let ((org, owner), (other, _)) = (s.org().await, s.org().await);
    let (token, invitation) = s.invite(org, owner).await;
    let (bystander, _) = s.invite(org, owner).await;
    let foreign = Invitation { org: other, ..invitation.clone() };
    assert_eq!(revoke(s, &foreign).await, Revoked::NotFound, "not another organization's");
    assert!(s.by_token(&token).await.is_some());
    assert_eq!(revoke(s, &invitation).await, Revoked::Revoked, "taken back");
    assert_eq!(revoke(s, &invitation).await, Revoked::NotFound, "once");
    assert_eq!(s.by_token(&token).await, None, "its link is dead");
    assert_eq!(s.accept(&token, org, s.user().await, MANY).await, Accepted::Gone);
    assert_eq!(renew(s, &invitation, &new_token(s)).await, Renewed::NotFound, "it does not come back");
    assert!(s.by_token(&bystander).await.is_some(), "no other invitation is touched");
    let (again, second) = s.invitation(org, owner, invitation.email.as_str());
    assert_eq!(s.open(&again, &second, MANY).await, Inviting::Created, "the address can be asked again");
    assert_eq!(s.accept(&again, org, s.user().await, MANY).await, Accepted::Accepted);
    assert_eq!(revoke(s, &second).await, Revoked::NotFound, "an accepted one is over");
}

async fn accepts_once(s: &Stage<'_>) {
    let ((org, owner), (other, _)) = (s.org().await, s.org().await);
    let (token, invitation) = s.invite(org, owner).await;
    let (user, second) = (s.user().await, s.user().await);
    assert_eq!(s.accept(&new_token(s), org, user, MANY).await, Accepted::Gone, "an unknown token");
    assert_eq!(s.accept(&token, org, user, MANY).await, Accepted::Accepted);
    assert_eq!(s.role(org, user).await, Some(invitation.role), "a member, with the invitation's role");
    assert_eq!(s.role(other, user).await, None, "of this organization only");
    assert_eq!(s.accept(&token, org, second, MANY).await, Accepted::Gone, "an invitation is used up");
    assert_eq!(s.accept(&token, org, user, MANY).await, Accepted::Gone);
    assert_eq!(s.role(org, second).await, None);
    assert_eq!(s.by_token(&token).await, None, "its link is dead");

    let (token, invitation) = s.invite(org, owner).await;
    assert_eq!(s.accept(&token, org, owner, MANY).await, Accepted::AlreadyMember);
    assert_eq!(s.role(org, owner).await, Some(Role::Owner), "the role stays");
    assert_eq!(s.by_token(&token).await, None, "and the invitation is used up");
    assert_eq!(s.listed(org, invitation.created_at).await, vec![]);

    let (token, _) = s.invite(org, owner).await;
    let record = Record { at: s.tick() + DAY, ..s.record(Action::InvitationAccepted, org) };
    assert_eq!(s.stores.invitations.accept(&token, second, MANY, &record).await.unwrap(), Accepted::Accepted);
    let member = s.stores.members.find(org, second).await.unwrap().unwrap();
    assert_eq!(member.joined_at, record.at, "joined at the record's time");
}

async fn accepts_within_the_seats(s: &Stage<'_>) {
    let (org, owner) = s.org().await;
    let ((first, _), (second, invitation)) = (s.invite(org, owner).await, s.invite(org, owner).await);
    let (user, late) = (s.user().await, s.user().await);
    assert_eq!(s.accept(&first, org, user, 1).await, Accepted::SeatLimit, "members take all seats");
    assert_eq!(s.role(org, user).await, None);
    assert!(s.by_token(&first).await.is_some(), "the invitation stays open");
    assert_eq!(s.accept(&first, org, user, 2).await, Accepted::Accepted, "invitations do not stand in their own way");
    assert_eq!(s.accept(&second, org, late, 2).await, Accepted::SeatLimit);
    assert_eq!(s.by_token(&second).await, Some(invitation));
    assert_eq!(s.accept(&second, org, user, 2).await, Accepted::AlreadyMember, "whether or not a seat is free");
}
