//! Credentials become a session, and nothing else does.

use std::time::Duration;

use auth_core::testing::Population;
use auth_core::{AuthError, Secret, SessionToken, Sessions, SignedIn, Standings, Users};
use kernel::{Action, Actor, ActorKind, Outcome, Role};

use crate::world::{PASSWORD, World, credentials, from};

#[tokio::test]
async fn the_right_password_signs_in_by_every_spelling_of_the_login() {
    let w = World::new(1);
    let user = w.user("ann.lee").await;
    for login in
        ["ann.lee", "Ann.LEE", " ann.lee ", "ann.lee@example.com", "ANN.LEE@Example.COM", "ａnn.lee@example.com"]
    {
        let SignedIn { token, session, user: found, device } =
            w.attempt("192.0.2.1", login, PASSWORD, None).await.unwrap_or_else(|error| panic!("{login:?}: {error}"));
        assert_eq!((found.id, session.user, session.auth_time), (user.id, user.id, w.ambient.now()), "{login:?}");
        assert!(device.is_some(), "a browser that was not known gets a device");
        assert_eq!(token.tag(), &user.tag);
        assert_eq!(w.who(&token).await.map(|who| who.session), Some(session));
    }
    let record = w.memory.records().pop().unwrap();
    assert_eq!(
        (record.action, record.outcome, record.actor.kind),
        (Action::Login, Outcome::Success, ActorKind::User(user.id))
    );
    assert_eq!(w.users.get(user.id).await.unwrap().last_login, Some(w.ambient.now()));
}

#[tokio::test]
async fn unknown_wrong_and_disabled_answer_and_cost_alike() {
    let w = World::new(2);
    w.user("wrong").await;
    let disabled = w.user("disabled").await;
    w.users.disable(&Actor::system(), disabled.id).await.unwrap();
    let cases = [
        ("wrong", "another password"),
        ("wrong", ""),
        ("wrong@example.com", "another password"),
        ("disabled", PASSWORD),
        ("disabled@example.com", "another password"),
        ("unknown", PASSWORD),
        ("unknown@example.com", PASSWORD),
        ("", PASSWORD),
        ("no such\nname", PASSWORD),
        ("' OR '1'='1", PASSWORD),
    ];
    for (n, (login, password)) in cases.iter().enumerate() {
        w.clock.advance(Duration::from_hours(1));
        let (before, records) = (w.hasher.comparisons(), w.memory.records().len());
        let answer = w.attempt(&format!("192.0.2.{n}"), login, password, None).await;
        assert!(matches!(answer, Err(AuthError::InvalidCredentials)), "{login:?}: {answer:?}");
        assert_eq!(w.hasher.comparisons() - before, 1, "{login:?}: one comparison, whoever it is");
        let written = w.memory.records().split_off(records);
        let [record] = written.as_slice() else { panic!("one record, not {written:?}") };
        assert_eq!((record.action, record.outcome), (Action::Login, Outcome::Failure), "{login:?}");
        assert!(!format!("{record:?}").contains("password"), "no password on the trail");
        assert!(!record.resource.id.contains('\n'), "no line breaks on the trail");
    }
}

#[tokio::test]
async fn the_session_begins_at_home_with_the_lifetimes_of_the_role() {
    let w = World::new(3);
    let (user, admin) = (w.user("ann").await, w.admin("boss").await);
    let signed = w.enter(&user).await;
    assert_eq!((signed.session.org, signed.session.org_epoch), (None, 0), "no organization yet");
    assert_eq!((signed.session.idle, Sessions::lifetime(&signed.session)), (Duration::from_mins(30), 12 * 3600));
    let org = w.memory.org(user.id, w.ambient.now()).await;
    w.memory.join(org, admin.id, Role::Member, w.ambient.now()).await;
    w.memory.change_role(org, admin.id, Role::Admin).await;
    let home = w.memory.home(admin.id).await.unwrap().unwrap();
    let signed = w.enter(&admin).await;
    assert_eq!((signed.session.org, signed.session.org_epoch), (Some(org), home.epoch));
    assert_eq!((signed.session.idle, Sessions::lifetime(&signed.session)), (Duration::from_mins(15), 8 * 3600));
    assert!(w.lives(&signed.token).await);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_of_this_browser_and_adopts_no_foreign_token() {
    let w = World::new(4);
    let (ann, bob) = (w.user("ann").await, w.user("bob").await);
    let old = w.enter(&ann).await;
    let elsewhere = w.enter(&ann).await;
    let (actor, known) = (from("192.0.2.1"), credentials("bob", PASSWORD));
    let new = w.sign_in.with_password(&actor, &known, None, Some(&old.token)).await.unwrap();
    assert!(!w.lives(&old.token).await, "the session that this browser had is dead");
    assert!(w.lives(&elsewhere.token).await, "other browsers keep theirs");
    assert_eq!(w.who(&new.token).await.map(|who| who.session.user), Some(bob.id));

    let planted = SessionToken::mint(&bob.tag, &w.ambient);
    let signed = w.sign_in.with_password(&actor, &known, None, Some(&planted)).await.unwrap();
    assert!(!w.lives(&planted).await, "a token that we did not make never becomes one");
    assert_ne!(signed.token.to_cookie(), planted.to_cookie());
}

#[tokio::test]
async fn a_link_signs_in_once_and_for_a_day() {
    let w = World::new(5);
    let user = w.user("ann").await;
    let issue = async || w.users.issue_link(&Actor::system(), user.id).await.unwrap();
    let follow = async |link: &Secret| {
        w.clock.advance(Duration::from_mins(5));
        w.sign_in.with_link(&from("192.0.2.1"), link, None).await
    };
    let link = issue().await;
    let signed = follow(&link).await.unwrap();
    assert_eq!((signed.user.id, signed.session.user), (user.id, user.id));
    assert!(w.lives(&signed.token).await);
    assert!(matches!(follow(&link).await, Err(AuthError::InvalidCredentials)), "once");
    assert!(matches!(follow(&Secret::mint(&w.ambient)).await, Err(AuthError::InvalidCredentials)), "an invented one");

    assert_eq!(Users::LINK_LIFETIME, Duration::from_hours(24));
    let (late, in_time) = (issue().await, issue().await);
    w.clock.advance(Duration::from_mins(24 * 60 - 6));
    assert!(follow(&in_time).await.is_ok(), "in its last minute");
    w.clock.advance(Duration::from_mins(1));
    assert!(matches!(follow(&late).await, Err(AuthError::InvalidCredentials)), "after a day");

    let link = issue().await;
    w.users.disable(&Actor::system(), user.id).await.unwrap();
    assert!(matches!(follow(&link).await, Err(AuthError::InvalidCredentials)), "not into a disabled account");
    w.users.enable(&Actor::system(), user.id).await.unwrap();
    assert!(matches!(follow(&link).await, Err(AuthError::InvalidCredentials)), "and the link is used up");
}

#[tokio::test]
async fn guessing_links_is_slowed_down_by_address() {
    let w = World::new(6);
    let user = w.user("ann").await;
    let link = w.users.issue_link(&Actor::system(), user.id).await.unwrap();
    let follow = async |ip: &str, link: &Secret| w.sign_in.with_link(&from(ip), link, None).await;
    for _ in 0..5 {
        assert!(matches!(follow("192.0.2.1", &Secret::mint(&w.ambient)).await, Err(AuthError::InvalidCredentials)));
    }
    let waits = follow("192.0.2.1", &link).await;
    assert!(matches!(waits, Err(AuthError::TooManyAttempts(wait)) if wait == Duration::from_secs(20)), "{waits:?}");
    assert!(follow("192.0.2.2", &link).await.is_ok(), "the link was not used up, and other addresses are free");
}

#[tokio::test]
async fn somebody_who_has_just_registered_is_signed_in() {
    let w = World::new(7);
    let user = w.user("ann").await;
    let signed = w.sign_in.as_new_user(&from("192.0.2.1"), user.id).await.unwrap();
    assert_eq!(w.who(&signed.token).await.map(|who| who.session.user), Some(user.id));
    let nobody = kernel::UserId::mint(&w.ambient);
    assert!(matches!(w.sign_in.as_new_user(&from("192.0.2.1"), nobody).await, Err(AuthError::UserNotFound)));
}

#[tokio::test]
async fn an_outage_is_passed_on_and_leaves_no_session() {
    let w = World::new(8);
    let user = w.user("ann").await;
    let link = w.users.issue_link(&Actor::system(), user.id).await.unwrap();
    let signed = w.enter(&user).await;
    w.memory.break_down(true);
    for (login, password) in [("ann", PASSWORD), ("ann", "wrong"), ("nobody", PASSWORD)] {
        let answer = w.attempt("192.0.2.1", login, password, None).await;
        assert!(matches!(answer, Err(AuthError::Store(_))), "{answer:?}");
    }
    let answer = w.sign_in.with_link(&from("192.0.2.1"), &link, None).await;
    assert!(matches!(answer, Err(AuthError::Store(_))), "{answer:?}");
    w.memory.break_down(false);

    w.memory.refuse_records(true);
    let before = w.memory.records().len();
    for password in [PASSWORD, "wrong"] {
        w.clock.advance(Duration::from_mins(1));
        let answer = w.attempt("192.0.2.1", "ann", password, None).await;
        assert!(matches!(answer, Err(AuthError::Store(_))), "no sign-in without its record: {answer:?}");
    }
    w.memory.refuse_records(false);
    assert_eq!(w.memory.records().len(), before);
    let live = w.sessions.list(&user.tag, &signed.session).await.unwrap();
    assert_eq!(live.len(), 1, "no session was made");
    assert_eq!(w.users.get(user.id).await.unwrap().last_login, Some(signed.session.created_at));
}

#[tokio::test]
async fn a_password_that_changes_meanwhile_kills_the_session_that_was_proved_with_the_old_one() {
    let w = World::new(9);
    let user = w.user("ann").await;
    let signed = w.enter(&user).await;
    w.memory
        .end_sessions(
            user.id,
            &kernel::Record::new(&w.ambient, &Actor::system(), Action::SessionsRevoked, "user", user.id),
        )
        .await
        .unwrap();
    assert!(!w.lives(&signed.token).await, "the epoch of the proof is too old");
    assert!(w.lives(&w.enter(&user).await.token).await, "a new proof has the new epoch");
}
