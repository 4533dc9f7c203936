//! Who a token is, and every way in which a session ends.

use std::time::Duration;

use auth_core::testing::Population;
use auth_core::{AuthError, Freshness, Session, SessionToken, SignedIn, User};
use kernel::{Action, Actor, Ambient, OrgId, Role, SessionId, UserId};

use crate::world::{World, from};

const SECOND: Duration = Duration::from_secs(1);

/// A user who is signed in and lands in an organization of somebody else.
struct Member {
    user: User,
    signed: SignedIn,
    org: OrgId,
    owner: UserId,
}

async fn member(w: &World, role: Role) -> Member {
    let (owner, user) = (w.user("owner").await, w.user("ann").await);
    let org = w.memory.org(owner.id, w.ambient.now()).await;
    w.memory.join(org, user.id, role, w.ambient.now()).await;
    let signed = w.enter(&user).await;
    assert_eq!(signed.session.org, Some(org));
    Member { user, signed, org, owner: owner.id }
}

fn actor(user: &User) -> Actor {
    from("192.0.2.1").known_as(user.id)
}

#[tokio::test]
async fn half_an_hour_without_a_request_ends_a_session() {
    let w = World::new(1);
    let token = w.enter(&w.user("ann").await).await.token;
    for _ in 0..4 {
        w.clock.advance(Duration::from_secs(30 * 60 - 1));
        assert!(w.lives(&token).await, "each request begins the half hour anew");
    }
    w.clock.step_back(Duration::from_mins(5));
    assert!(w.lives(&token).await, "a clock that steps back ends nothing");
    w.clock.advance(Duration::from_mins(5) + Duration::from_mins(30) + SECOND);
    assert!(!w.lives(&token).await);
}

#[tokio::test]
async fn twelve_hours_end_a_session_however_busy_it_is() {
    let w = World::new(2);
    let token = w.enter(&w.user("ann").await).await.token;
    for _ in 0..12 * 4 - 1 {
        w.clock.advance(Duration::from_mins(15));
        assert!(w.lives(&token).await);
    }
    w.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert!(w.lives(&token).await);
    w.clock.advance(SECOND);
    assert!(!w.lives(&token).await);
}

#[tokio::test]
async fn admins_have_a_quarter_of_an_hour_and_eight_hours() {
    let w = World::new(3);
    let admin = w.admin("boss").await;
    let token = w.enter(&admin).await.token;
    w.clock.advance(Duration::from_mins(15) + SECOND);
    assert!(!w.lives(&token).await);
    let token = w.enter(&admin).await.token;
    for _ in 0..8 * 6 - 1 {
        w.clock.advance(Duration::from_mins(10));
        assert!(w.lives(&token).await);
    }
    w.clock.advance(Duration::from_mins(10));
    assert!(!w.lives(&token).await);
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_nobody() {
    let w = World::new(4);
    let (ann, bob) = (w.user("ann").await, w.user("bob").await);
    let signed = w.enter(&ann).await;
    assert!(!w.lives(&SessionToken::mint(&ann.tag, &w.ambient)).await, "the right tag, another secret");
    assert!(!w.lives(&SessionToken::mint(&bob.tag, &w.ambient)).await);
    let again = SessionToken::parse(&signed.token.to_cookie()).unwrap();
    assert!(w.lives(&again).await, "the cookie reads back");
}

#[tokio::test]
async fn signing_out_ends_this_session_alone_and_is_on_the_trail() {
    let w = World::new(5);
    let user = w.user("ann").await;
    let (this, other) = (w.enter(&user).await, w.enter(&user).await);
    w.sessions.end(&actor(&user), this.token.tag(), &this.session).await.unwrap();
    assert!(!w.lives(&this.token).await);
    assert!(w.lives(&other.token).await);
    assert_eq!(w.trail().last(), Some(&Action::Logout));
}

#[tokio::test]
async fn a_user_ends_one_session_of_their_own_and_none_of_others() {
    let w = World::new(6);
    let (ann, bob) = (w.user("ann").await, w.user("bob").await);
    let (this, other, theirs) = (w.enter(&ann).await, w.enter(&ann).await, w.enter(&bob).await);
    let revoke = async |id| w.sessions.revoke(&actor(&ann), &ann.tag, &this.session, id).await;
    for foreign in [theirs.session.id, SessionId::mint(&w.ambient)] {
        assert!(matches!(revoke(foreign).await, Err(AuthError::SessionNotFound)));
    }
    assert!(w.lives(&theirs.token).await);
    revoke(other.session.id).await.unwrap();
    assert_eq!(w.trail().last(), Some(&Action::SessionRevoked));
    assert!(!w.lives(&other.token).await);
    assert!(matches!(revoke(other.session.id).await, Err(AuthError::SessionNotFound)), "once");
    assert!(w.lives(&this.token).await);
}

#[tokio::test]
async fn revoking_all_ends_every_session_of_the_user() {
    let w = World::new(7);
    let (ann, bob) = (w.user("ann").await, w.user("bob").await);
    let (first, second, theirs) = (w.enter(&ann).await, w.enter(&ann).await, w.enter(&bob).await);
    w.sessions.revoke_all(&Actor::system(), ann.id).await.unwrap();
    for signed in [&first, &second] {
        assert!(!w.lives(&signed.token).await);
    }
    assert!(w.lives(&theirs.token).await, "nobody else's");
    assert_eq!(w.trail().last(), Some(&Action::SessionsRevoked));
    assert!(w.lives(&w.enter(&ann).await.token).await, "the user can sign in again");
    let nobody = w.sessions.revoke_all(&Actor::system(), UserId::mint(&w.ambient)).await;
    assert!(matches!(nobody, Err(AuthError::UserNotFound)));
}

#[tokio::test]
async fn revoking_the_others_keeps_this_one_under_a_new_token() {
    let w = World::new(8);
    let user = w.user("ann").await;
    let (this, other) = (w.enter(&user).await, w.enter(&user).await);
    let renewed = w.sessions.revoke_others(&actor(&user), &this.token, &this.session).await.unwrap();
    assert!(!w.lives(&other.token).await, "the others are dead");
    assert!(!w.lives(&this.token).await, "so is the old token");
    let who = w.who(&renewed.token).await.unwrap();
    assert_eq!(who.session, renewed.session);
    assert_eq!(who.session.id, this.session.id, "the token is new, the name is not");
    let kept = |s: &Session| (s.user, s.org, s.created_at, s.auth_time, s.expires_at);
    assert_eq!(kept(&who.session), kept(&this.session), "no renewed lifetime, no renewed proof");
    assert_eq!(w.sessions.list(&user.tag, &renewed.session).await.unwrap().len(), 1);
    let stale = w.sessions.revoke_others(&actor(&user), &this.token, &this.session).await;
    assert!(matches!(stale, Err(AuthError::SessionEnded)), "a dead token renews nothing: {stale:?}");
}

#[tokio::test]
async fn a_change_of_role_ends_the_sessions_in_that_organization_alone() {
    let w = World::new(9);
    let Member { user, signed, org, .. } = member(&w, Role::Member).await;
    let own = w.memory.org(user.id, w.ambient.now()).await;
    let elsewhere = w.enter(&user).await;
    let elsewhere = w.sessions.enter(&actor(&user), &elsewhere.token, &elsewhere.session, own).await.unwrap();
    w.memory.change_role(org, user.id, Role::Admin).await;
    assert!(!w.lives(&signed.token).await, "the old role's session is dead");
    assert!(w.lives(&elsewhere.token).await, "the session in another organization lives");
}

#[tokio::test]
async fn a_session_that_moves_while_it_ends_is_brought_to_safety_nowhere() {
    let w = World::new(12);
    let Member { user, signed, org, .. } = member(&w, Role::Member).await;
    let own = w.memory.org(user.id, w.ambient.now()).await;
    // Somebody else changes the role when the requests to move have been let in already.
    w.memory.change_role(org, user.id, Role::Admin).await;
    for to in [org, own] {
        let moved = w.sessions.enter(&actor(&user), &signed.token, &signed.session, to).await;
        assert!(matches!(moved, Err(AuthError::SessionEnded)), "{moved:?}");
    }
    assert!(w.sessions.list(&user.tag, &signed.session).await.unwrap().is_empty(), "nothing lives under a new token");
}

#[tokio::test]
async fn removal_ends_the_sessions_there_and_coming_back_revives_none() {
    let w = World::new(10);
    let Member { user, signed, org, .. } = member(&w, Role::Member).await;
    w.memory.remove(org, user.id).await;
    assert!(!w.lives(&signed.token).await);
    w.memory.join(org, user.id, Role::Member, w.ambient.now()).await;
    assert!(!w.lives(&signed.token).await, "an old session never counts again");
}

#[tokio::test]
async fn suspension_stops_the_sessions_in_the_organization() {
    let w = World::new(11);
    let Member { signed, org, .. } = member(&w, Role::Member).await;
    w.memory.set_org_active(org, false).await;
    assert!(!w.lives(&signed.token).await);
}

#[tokio::test]
async fn disabling_the_account_and_the_platforms_epoch_end_sessions_for_good() {
    let w = World::new(12);
    let user = w.user("ann").await;
    let signed = w.enter(&user).await;
    w.users.disable(&Actor::system(), user.id).await.unwrap();
    assert!(!w.lives(&signed.token).await);
    w.users.enable(&Actor::system(), user.id).await.unwrap();
    assert!(!w.lives(&signed.token).await, "enabling revives nothing");
    let signed = w.enter(&user).await;
    w.memory.move_platform_epoch();
    assert!(!w.lives(&signed.token).await, "everybody's sessions end");
    assert!(w.lives(&w.enter(&user).await.token).await);
}

#[tokio::test]
async fn a_session_moves_to_another_organization_of_the_user() {
    let w = World::new(13);
    let Member { user, signed, org, owner } = member(&w, Role::BillingAdmin).await;
    let own = w.memory.org(user.id, w.ambient.now() + SECOND).await;
    let foreign = w.memory.org(owner, w.ambient.now()).await;
    let enter = async |to| w.sessions.enter(&actor(&user), &signed.token, &signed.session, to).await;
    for nowhere in [foreign, OrgId::mint(&w.ambient)] {
        assert!(matches!(enter(nowhere).await, Err(AuthError::OrgNotFound)), "foreign and unknown answer alike");
    }
    w.memory.set_org_active(own, false).await;
    assert!(matches!(enter(own).await, Err(AuthError::OrgNotFound)), "suspended too");
    w.memory.set_org_active(own, true).await;
    assert!(w.lives(&signed.token).await, "a refusal changes nothing");
    let renewed = enter(own).await.unwrap();
    assert!(!w.lives(&signed.token).await, "the old token is dead");
    let who = w.who(&renewed.token).await.unwrap();
    assert_eq!((who.session.org, who.standing.membership.map(|m| m.role)), (Some(own), Some(Role::Owner)));
    let record = w.memory.records().pop().unwrap();
    assert_eq!((record.action, record.org), (Action::OrgSwitched, Some(own)));
    assert_eq!(w.enter(&user).await.session.org, Some(own), "the next sign-in lands there, not in {org}");
}

#[tokio::test]
async fn a_session_follows_its_users_own_change() {
    let w = World::new(14);
    let Member { user, signed, org, .. } = member(&w, Role::Owner).await;
    w.memory.change_role(org, user.id, Role::Admin).await;
    assert!(!w.lives(&signed.token).await);
    let stays = w.sessions.follow_own_change(&signed.token, &signed.session).await.unwrap();
    let who = w.who(&stays.token).await.unwrap();
    assert_eq!((who.session.org, who.standing.membership.map(|m| m.role)), (Some(org), Some(Role::Admin)));
    w.memory.remove(org, user.id).await;
    let leaves = w.sessions.follow_own_change(&stays.token, &stays.session).await.unwrap();
    assert_eq!(w.who(&leaves.token).await.map(|who| who.session.org), Some(None), "who left acts in none");
    assert!(!w.lives(&stays.token).await);
    let stale = w.sessions.follow_own_change(&stays.token, &stays.session).await;
    assert!(matches!(stale, Err(AuthError::SessionEnded)));
}

#[tokio::test]
async fn ten_sessions_and_the_oldest_dies() {
    let w = World::new(15);
    let user = w.user("ann").await;
    let mut all = Vec::new();
    for _ in 0..11 {
        all.push(w.enter(&user).await);
        w.clock.advance(SECOND);
    }
    let newest = all.last().unwrap();
    let listed = w.sessions.list(&user.tag, &newest.session).await.unwrap();
    let expected: Vec<_> = all.iter().rev().take(10).map(|signed| signed.session.id).collect();
    assert_eq!(listed.iter().map(|seen| seen.session.id).collect::<Vec<_>>(), expected, "newest first");
    assert!(!w.lives(&all.first().unwrap().token).await, "the oldest is dead");
    assert!(w.lives(&newest.token).await);
}

#[tokio::test]
async fn what_is_sensitive_asks_for_a_sign_in_of_five_minutes() {
    let w = World::new(16);
    let signed = w.enter(&w.user("ann").await).await;
    w.clock.advance(Duration::from_mins(5));
    assert!(w.sessions.require_fresh(&signed.session).is_ok());
    w.clock.advance(SECOND);
    let stale = w.sessions.require_fresh(&signed.session);
    assert!(matches!(stale, Err(AuthError::NotFresh { max_age }) if max_age == Duration::from_mins(5)));
}

#[tokio::test]
async fn an_outage_is_never_an_answer_about_a_session() {
    let w = World::new(17);
    let Member { user, signed, org, .. } = member(&w, Role::Member).await;
    let (me, token, by) = (&signed.session, &signed.token, actor(&user));
    w.memory.break_down(true);
    for freshness in [Freshness::Fresh, Freshness::Cached] {
        let answer = w.sessions.authenticate(token, freshness).await;
        assert!(matches!(answer, Err(AuthError::Store(_))), "503, never 401: {answer:?}");
    }
    let answers = [
        w.sessions.end(&by, &user.tag, me).await.err(),
        w.sessions.list(&user.tag, me).await.err(),
        w.sessions.revoke(&by, &user.tag, me, me.id).await.err(),
        w.sessions.revoke_all(&by, user.id).await.err(),
        w.sessions.revoke_others(&by, token, me).await.err(),
        w.sessions.enter(&by, token, me, org).await.err(),
        w.sessions.follow_own_change(token, me).await.err(),
    ];
    for answer in answers {
        assert!(matches!(answer, Some(AuthError::Store(_))), "{answer:?}");
    }
    w.memory.break_down(false);
    assert!(w.lives(token).await, "the session is as it was");
}

#[tokio::test]
async fn nothing_ends_without_its_record() {
    let w = World::new(18);
    let Member { user, signed, org, .. } = member(&w, Role::Member).await;
    let (me, token, by) = (&signed.session, &signed.token, actor(&user));
    w.memory.refuse_records(true);
    let answers = [
        w.sessions.end(&by, &user.tag, me).await.err(),
        w.sessions.revoke(&by, &user.tag, me, me.id).await.err(),
        w.sessions.revoke_all(&by, user.id).await.err(),
        w.sessions.revoke_others(&by, token, me).await.err(),
        w.sessions.enter(&by, token, me, org).await.err(),
    ];
    for answer in answers {
        assert!(matches!(answer, Some(AuthError::Store(_))), "{answer:?}");
    }
    assert!(w.lives(token).await, "the session is as it was");
}

#[test]
fn a_session_token_reads_back_only_as_it_was_made() {
    let ambient = Ambient::system();
    let token = SessionToken::mint(&auth_core::UserTag::mint(&ambient), &ambient);
    let cookie = token.to_cookie();
    assert_eq!(SessionToken::parse(&cookie).map(|read| read.hash()), Some(token.hash()));
    let (tag, secret) = cookie.split_once('.').unwrap();
    for bad in [
        String::new(),
        ".".into(),
        tag.into(),
        secret.into(),
        format!("{tag}{secret}"),
        format!("{tag}.{secret}="),
        format!("{tag}.{secret}A"),
        format!(".{secret}"),
        format!("{tag}."),
        format!("{tag}x.{secret}"),
        format!("{}.{secret}", tag.replace(char::is_alphanumeric, "{")),
        format!("{cookie} "),
        format!("{cookie}\n"),
        cookie.replace('.', ":"),
    ] {
        assert!(SessionToken::parse(&bad).is_none(), "{bad:?}");
    }
    assert!(!format!("{token:?}").contains(secret), "not in logs");
}

#[test]
fn the_csrf_token_belongs_to_its_session() {
    let ambient = Ambient::system();
    let tag = auth_core::UserTag::mint(&ambient);
    let (token, other) = (SessionToken::mint(&tag, &ambient), SessionToken::mint(&tag, &ambient));
    assert!(token.csrf_matches(&token.csrf()));
    assert_eq!(SessionToken::parse(&token.to_cookie()).unwrap().csrf(), token.csrf(), "every process agrees");
    for wrong in
        [other.csrf(), String::new(), token.to_cookie(), format!("{}A", token.csrf()), token.csrf().to_lowercase()]
    {
        assert!(!token.csrf_matches(&wrong), "{wrong:?}");
    }
    assert!(!token.to_cookie().contains(&token.csrf()), "knowing it gives no session");
}
