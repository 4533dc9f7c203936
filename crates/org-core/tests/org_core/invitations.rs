//! The life of an invitation.

use std::time::Duration;

use kernel::{Actor, InvitationId, Role, UserId};
use org_core::testing::Population;
use org_core::{
    AllowedDomain, InvitationToken, Invitations, Invited, Membership, NamedBy, OrgError, OrgStatus, SettingsPatch,
};

use crate::world::World;

async fn invite(w: &World, by: &Membership, email: &str) -> Result<Invited, OrgError> {
    w.invitations.invite(&Actor::user(by.user()), by, email.parse().unwrap(), Some(Role::Member)).await
}

async fn accept(w: &World, user: UserId, token: &InvitationToken) -> Result<(kernel::OrgId, Role), OrgError> {
    w.invitations.accept(&Actor::user(user), user, token).await
}

/// An organization of this many seats and its owner's proof.
async fn scene(w: &World, seats: u32) -> Membership {
    let (org, owner) = w.org(seats).await;
    w.proof(org, owner).await
}

#[tokio::test]
async fn an_invited_person_sees_what_it_is_and_joins_once() {
    let w = World::new(1);
    let by = scene(&w, 5).await;
    let guest = w.user("guest").await;
    let Invited::Invitation { invitation, mailed } = invite(&w, &by, "Guest@Example.com").await.unwrap() else {
        panic!("known or not, people are asked")
    };
    assert!(mailed);
    assert_eq!(invitation.expires_at - invitation.created_at, chrono::TimeDelta::days(7));
    assert_eq!(w.invitations.list(&by).await.unwrap(), vec![invitation.clone()]);
    let mail = w.memory.mails().pop().unwrap();
    assert_eq!((mail.invitation.id, mail.org_name.as_str(), mail.inviter.as_str()), (invitation.id, "Acme", "founder"));
    let preview = w.invitations.preview(&mail.token).await.unwrap();
    assert_eq!(
        (preview.org_name.as_str(), preview.email.as_str(), preview.role),
        ("Acme", "Guest@Example.com", Role::Member)
    );
    assert_eq!(accept(&w, guest, &mail.token).await.unwrap(), (by.org(), Role::Member));
    assert_eq!(w.role(by.org(), guest).await, Some(Role::Member));
    for gone in [accept(&w, guest, &mail.token).await.err(), w.invitations.preview(&mail.token).await.err()] {
        assert!(matches!(gone, Some(OrgError::InvitationNotFound)), "{gone:?}");
    }
    assert_eq!(w.invitations.list(&by).await.unwrap(), vec![]);
    assert!(matches!(invite(&w, &by, "guest@example.com").await, Err(OrgError::AlreadyMember)));
}

#[tokio::test]
async fn an_expired_invitation_says_so() {
    let w = World::new(2);
    let by = scene(&w, 5).await;
    let guest = w.user("guest").await;
    invite(&w, &by, "guest@example.com").await.unwrap();
    let token = w.last_token();
    w.clock.advance(Duration::from_secs(7 * 24 * 60 * 60 - 1));
    assert!(w.invitations.preview(&token).await.is_ok(), "in its last second");
    w.clock.advance(Duration::from_secs(1));
    for expired in [w.invitations.preview(&token).await.err(), accept(&w, guest, &token).await.err()] {
        assert!(matches!(expired, Some(OrgError::InvitationExpired)), "{expired:?}");
    }
    assert_eq!(w.role(by.org(), guest).await, None);
    assert_eq!(w.invitations.list(&by).await.unwrap(), vec![], "it is not open any more");
    let id = w.memory.mails()[0].invitation.id;
    w.invitations.resend(&Actor::user(by.user()), &by, id).await.unwrap();
    assert!(accept(&w, guest, &w.last_token()).await.is_ok(), "until it is sent again");
}

#[tokio::test]
async fn nobody_accepts_an_invitation_of_somebody_else_or_without_a_proved_address() {
    let w = World::new(3);
    let by = scene(&w, 5).await;
    let (stranger, guest) = (w.user("stranger").await, w.memory.user("guest@example.com", false).await);
    invite(&w, &by, "guest@example.com").await.unwrap();
    let token = w.last_token();
    for user in [stranger, guest, by.user(), UserId::mint(&w.ambient)] {
        let answer = accept(&w, user, &token).await;
        assert!(matches!(answer, Err(OrgError::InvitationNotFound)), "foreign, unverified, unknown: {answer:?}");
    }
    w.clock.advance(Invitations::LIFETIME);
    let answer = accept(&w, stranger, &token).await;
    assert!(
        matches!(answer, Err(OrgError::InvitationNotFound)),
        "a stranger does not learn that it expired: {answer:?}"
    );
    let invented = InvitationToken::mint(&w.ambient);
    assert!(matches!(accept(&w, stranger, &invented).await, Err(OrgError::InvitationNotFound)));
    assert!(matches!(w.invitations.preview(&invented).await, Err(OrgError::InvitationNotFound)));
}

#[tokio::test]
async fn sending_again_kills_the_old_link() {
    let w = World::new(4);
    let by = scene(&w, 5).await;
    let (guest, doing) = (w.user("guest").await, Actor::user(by.user()));
    w.memory.fail_mails(true);
    let Invited::Invitation { invitation, mailed } = invite(&w, &by, "guest@example.com").await.unwrap() else {
        panic!("an invitation")
    };
    assert!(!mailed, "the invitation stands although its mail did not leave");
    assert!(!w.invitations.resend(&doing, &by, invitation.id).await.unwrap().mailed);
    w.memory.fail_mails(false);
    assert!(w.invitations.resend(&doing, &by, invitation.id).await.unwrap().mailed);
    let old = w.last_token();
    w.clock.advance(Duration::from_hours(24));
    let sent = w.invitations.resend(&doing, &by, invitation.id).await.unwrap();
    assert_eq!((sent.invitation.id, sent.invitation.created_at), (invitation.id, invitation.created_at));
    assert_eq!(sent.invitation.expires_at, w.ambient.now() + chrono::TimeDelta::days(7), "a new end");
    assert!(matches!(accept(&w, guest, &old).await, Err(OrgError::InvitationNotFound)), "the old link is dead");
    assert!(accept(&w, guest, &w.last_token()).await.is_ok());
    let over = w.invitations.resend(&doing, &by, invitation.id).await;
    assert!(matches!(over, Err(OrgError::InvitationNotFound)), "{over:?}");
}

#[tokio::test]
async fn a_revoked_invitation_is_gone() {
    let w = World::new(5);
    let (by, foreign) = (scene(&w, 5).await, scene(&w, 5).await);
    let guest = w.user("guest").await;
    invite(&w, &by, "guest@example.com").await.unwrap();
    let (token, id) = (w.last_token(), w.memory.mails()[0].invitation.id);
    for (by, id) in [(foreign, id), (by, InvitationId::mint(&w.ambient))] {
        let doing = Actor::user(by.user());
        let answers =
            [w.invitations.revoke(&doing, &by, id).await.err(), w.invitations.resend(&doing, &by, id).await.err()];
        for answer in answers {
            assert!(matches!(answer, Some(OrgError::InvitationNotFound)), "foreign is as unknown: {answer:?}");
        }
    }
    w.invitations.revoke(&Actor::user(by.user()), &by, id).await.unwrap();
    for gone in [accept(&w, guest, &token).await.err(), w.invitations.preview(&token).await.err()] {
        assert!(matches!(gone, Some(OrgError::InvitationNotFound)), "{gone:?}");
    }
    assert!(invite(&w, &by, "guest@example.com").await.is_ok(), "the address can be asked again");
}

#[tokio::test]
async fn members_and_open_invitations_share_the_seats() {
    let w = World::new(6);
    let by = scene(&w, 3).await;
    invite(&w, &by, "one@example.com").await.unwrap();
    assert!(matches!(invite(&w, &by, "ONE@example.com").await, Err(OrgError::AlreadyInvited)));
    invite(&w, &by, "two@example.com").await.unwrap();
    let full = invite(&w, &by, "three@example.com").await;
    assert!(matches!(full, Err(OrgError::SeatLimit(3))), "{full:?}");
    let id = w.memory.mails()[0].invitation.id;
    w.invitations.revoke(&Actor::user(by.user()), &by, id).await.unwrap();
    assert!(invite(&w, &by, "three@example.com").await.is_ok(), "a seat is free again");
    w.clock.advance(Invitations::LIFETIME);
    assert!(invite(&w, &by, "four@example.com").await.is_ok(), "expired invitations take no seat");
    assert_eq!(w.memory.mails().len(), 4, "refusals send nothing");
}

#[tokio::test]
async fn an_expired_invitation_comes_back_only_to_a_free_seat() {
    let w = World::new(10);
    let by = scene(&w, 2).await;
    let doing = Actor::user(by.user());
    let (first, second) = (w.user("first").await, w.user("second").await);
    invite(&w, &by, "first@example.com").await.unwrap();
    let (old, id) = (w.last_token(), w.memory.mails()[0].invitation.id);
    assert!(w.invitations.resend(&doing, &by, id).await.is_ok(), "an open one has its seat");
    let sent = w.last_token();
    w.clock.advance(Invitations::LIFETIME);
    invite(&w, &by, "second@example.com").await.unwrap();
    let (rival, mails) = (w.last_token(), w.memory.mails().len());
    let full = w.invitations.resend(&doing, &by, id).await;
    assert!(matches!(full, Err(OrgError::SeatLimit(2))), "{full:?}");
    assert_eq!(w.memory.mails().len(), mails, "a refusal sends nothing");
    assert_eq!(w.invitations.list(&by).await.unwrap().len(), 1, "and opens nothing");
    for (token, expected) in [(&old, "there is no such invitation"), (&sent, "the invitation has expired")] {
        let told = accept(&w, first, token).await.unwrap_err().to_string();
        assert!(told.starts_with(expected), "{told}");
    }
    w.invitations.revoke(&doing, &by, w.memory.mails()[mails - 1].invitation.id).await.unwrap();
    assert!(accept(&w, second, &rival).await.is_err());
    w.invitations.resend(&doing, &by, id).await.unwrap();
    assert_eq!(accept(&w, first, &w.last_token()).await.unwrap(), (by.org(), Role::Member), "the seat is free again");
}

#[tokio::test]
async fn who_is_given_no_role_gets_the_default_one() {
    let w = World::new(11);
    let by = scene(&w, 9).await;
    let doing = Actor::user(by.user());
    let plain = w.join(by.org(), by.user(), "plain", Role::Member).await;
    let (known, second, plain) = (w.user("known").await, w.user("second").await, w.proof(by.org(), plain).await);
    let ask = async |email: &str, role| w.invitations.invite(&doing, &by, email.parse().unwrap(), role).await.unwrap();
    let set = async |patch: SettingsPatch| w.orgs.update(&doing, &by, &patch).await.unwrap();
    let Invited::Invitation { invitation, .. } = ask("first@example.com", None).await else { panic!("an invitation") };
    assert_eq!(invitation.role, Role::Member, "as long as nobody said otherwise");
    let default_role = Some(Role::BillingAdmin);
    set(SettingsPatch { default_role, auto_accept_members: Some(true), ..SettingsPatch::default() }).await;
    let Invited::Invitation { invitation, .. } = ask("guest@example.com", None).await else { panic!("an invitation") };
    assert_eq!(invitation.role, Role::BillingAdmin);
    assert_eq!(ask("known@example.com", None).await, Invited::Member(known, Role::BillingAdmin), "or added at once");
    w.acquaint(by.user(), second).await;
    let added = w.invitations.invite_user(&doing, &by, second, None).await.unwrap();
    assert_eq!(added, Invited::Member(second, Role::BillingAdmin), "or added by id");
    let Invited::Invitation { invitation, .. } = ask("last@example.com", Some(Role::Admin)).await else {
        panic!("an invitation")
    };
    assert_eq!(invitation.role, Role::Admin, "a role that is named counts");
    let above = w.invitations.invite(&Actor::user(plain.user()), &plain, "x@example.com".parse().unwrap(), None).await;
    assert!(matches!(above, Err(OrgError::Forbidden(_))), "no role is no way around one's own: {above:?}");
}

#[tokio::test]
async fn nobody_joins_from_a_domain_that_is_not_allowed_any_more() {
    let w = World::new(12);
    let by = scene(&w, 5).await;
    let guest = w.user("guest").await;
    invite(&w, &by, "guest@example.com").await.unwrap();
    let token = w.last_token();
    let allow = async |domain: Option<&str>| {
        let allowed_domains = Some(domain.iter().map(|domain| AllowedDomain::parse(domain).unwrap()).collect());
        let patch = SettingsPatch { allowed_domains, ..SettingsPatch::default() };
        w.orgs.update(&Actor::user(by.user()), &by, &patch).await.unwrap();
    };
    allow(Some("other.example")).await;
    let sent = w.memory.mails();
    let doing = Actor::user(by.user());
    let again = w.invitations.resend(&doing, &by, sent[0].invitation.id).await;
    assert!(matches!(again, Err(OrgError::DomainNotAllowed(NamedBy::Invitation))), "not even asked again: {again:?}");
    assert_eq!((w.memory.mails().len(), w.last_token().hash()), (sent.len(), token.hash()), "the old link lives");
    let refused = accept(&w, guest, &token).await;
    assert!(matches!(refused, Err(OrgError::DomainNotAllowed(NamedBy::Token))), "{refused:?}");
    assert_eq!(w.role(by.org(), guest).await, None);
    allow(Some("EXAMPLE.com")).await;
    assert!(accept(&w, guest, &token).await.is_ok(), "the invitation is as it was");
}

#[tokio::test]
async fn the_settings_decide_who_may_come_and_who_is_not_asked() {
    let w = World::new(7);
    let by = scene(&w, 9).await;
    let known = w.user("known").await;
    w.memory.user("unproved@example.com", false).await;
    let disabled = w.user("disabled").await;
    w.memory.set_enabled(disabled, false).await;
    let patch = SettingsPatch {
        auto_accept_members: Some(true),
        allowed_domains: Some(vec![AllowedDomain::parse("@Example.com").unwrap()]),
        ..SettingsPatch::default()
    };
    w.orgs.update(&Actor::user(by.user()), &by, &patch).await.unwrap();
    for foreign in ["guest@example.org", "guest@sub.example.com", "guest@example.com.evil.example"] {
        assert!(matches!(invite(&w, &by, foreign).await, Err(OrgError::DomainNotAllowed(NamedBy::Email))), "{foreign}");
    }
    let added = invite(&w, &by, "KNOWN@example.com").await.unwrap();
    assert_eq!(added, Invited::Member(known, Role::Member), "a known user with a proved address is not asked");
    assert!(matches!(invite(&w, &by, "known@example.com").await, Err(OrgError::AlreadyMember)));
    for asked in ["unproved@example.com", "disabled@example.com", "stranger@example.com"] {
        assert!(matches!(invite(&w, &by, asked).await, Ok(Invited::Invitation { .. })), "{asked}");
    }
    let nobody = w.invitations.invite_user(&Actor::user(by.user()), &by, disabled, Some(Role::Member)).await;
    assert!(matches!(nobody, Err(OrgError::MemberNotFound)), "{nobody:?}");
    let outsider = w.memory.user("outsider@example.org", true).await;
    let foreign = w.invitations.invite_user(&Actor::user(by.user()), &by, outsider, Some(Role::Member)).await;
    assert!(matches!(foreign, Err(OrgError::MemberNotFound)), "an id alone tells nobody whose it is: {foreign:?}");
    w.acquaint(by.user(), outsider).await;
    let refused = w.invitations.invite_user(&Actor::user(by.user()), &by, outsider, Some(Role::Member)).await;
    assert!(
        matches!(refused, Err(OrgError::DomainNotAllowed(NamedBy::UserId))),
        "by id the same rules hold: {refused:?}"
    );
}

#[tokio::test]
async fn nobody_joins_an_organization_that_is_not_active() {
    for status in [OrgStatus::Suspended, OrgStatus::Deleted] {
        let w = World::new(8);
        let by = scene(&w, 5).await;
        let guest = w.user("guest").await;
        invite(&w, &by, "guest@example.com").await.unwrap();
        let token = w.last_token();
        w.orgs.set_status(&Actor::system(), by.org(), status).await.unwrap();
        for gone in [accept(&w, guest, &token).await.err(), w.invitations.preview(&token).await.err()] {
            assert!(matches!(gone, Some(OrgError::InvitationNotFound)), "{status:?}: {gone:?}");
        }
        assert_eq!(w.role(by.org(), guest).await, None);
    }
}

#[tokio::test]
async fn no_invitation_without_its_record_and_no_mail_without_an_invitation() {
    let w = World::new(9);
    let by = scene(&w, 5).await;
    let guest = w.user("guest").await;
    invite(&w, &by, "guest@example.com").await.unwrap();
    let (token, id, doing) = (w.last_token(), w.memory.mails()[0].invitation.id, Actor::user(by.user()));
    for (refuse, down) in [(true, false), (false, true)] {
        w.memory.refuse_records(refuse);
        w.memory.break_down(down);
        let answers = [
            invite(&w, &by, "other@example.com").await.err(),
            w.invitations.resend(&doing, &by, id).await.err(),
            w.invitations.revoke(&doing, &by, id).await.err(),
            accept(&w, guest, &token).await.err(),
        ];
        for answer in answers {
            assert!(matches!(answer, Some(OrgError::Store(_))), "{answer:?}");
        }
    }
    w.memory.break_down(false);
    assert_eq!(w.memory.mails().len(), 1, "nothing was sent");
    assert!(accept(&w, guest, &token).await.is_ok(), "the invitation is as it was");
}

#[test]
fn a_token_reads_back_only_as_it_was_made() {
    let ambient = kernel::Ambient::system();
    let token = InvitationToken::mint(&ambient);
    let text = token.expose();
    assert_eq!(InvitationToken::parse(text).map(|read| read.hash()), Some(token.hash()));
    for bad in [
        String::new(),
        text[1..].to_owned(),
        format!("{text}A"),
        format!("{text}="),
        format!("{text} "),
        "!".repeat(43),
    ] {
        assert!(InvitationToken::parse(&bad).is_none(), "{bad:?}");
    }
    assert!(!format!("{token:?}").contains(text), "not in logs");
}
