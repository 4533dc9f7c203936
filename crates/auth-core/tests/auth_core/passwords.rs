//! Changing a password.

use std::time::Duration;

use auth_core::policy::password::{Strength, Violation};
use auth_core::{AuthError, Changed, SignedIn};
use kernel::{Action, Actor};

use crate::world::{PASSWORD, World, from};

const NEW: &str = "seven green kettles hum";

async fn change(w: &World, me: &SignedIn, current: &str, new: &str) -> Result<Changed, AuthError> {
    let actor = from("192.0.2.1").known_as(me.user.id);
    w.passwords.change(&actor, &me.token, &me.session, &current.into(), &new.into()).await
}

#[tokio::test]
async fn a_change_keeps_this_session_and_ends_all_others() {
    let w = World::new(1);
    let user = w.user("ann").await;
    let (me, other) = (w.enter(&user).await, w.enter(&user).await);
    let changed = change(&w, &me, PASSWORD, NEW).await.unwrap();
    assert_eq!(changed.strength, Strength::Strong);
    assert!(!w.lives(&other.token).await, "every other session is dead");
    assert!(!w.lives(&me.token).await, "so is the old token");
    assert_eq!(w.who(&changed.renewed.token).await.map(|who| who.session.user), Some(user.id));
    assert_eq!(w.trail().last(), Some(&Action::PasswordChanged));
    let old = w.attempt("192.0.2.1", "ann", PASSWORD, None).await;
    assert!(matches!(old, Err(AuthError::InvalidCredentials)));
    w.clock.advance(Duration::from_secs(1));
    assert!(w.attempt("192.0.2.1", "ann", NEW, None).await.is_ok());
}

#[tokio::test]
async fn the_present_password_is_asked_for_and_guesses_are_slowed_down() {
    let w = World::new(2);
    let me = w.enter(&w.user("ann").await).await;
    assert!(matches!(change(&w, &me, "a guess", NEW).await, Err(AuthError::WrongPassword)));
    let waits = change(&w, &me, PASSWORD, NEW).await;
    assert!(matches!(waits, Err(AuthError::TooManyAttempts(wait)) if wait == Duration::from_secs(1)), "{waits:?}");
    w.clock.advance(Duration::from_secs(1));
    assert!(matches!(change(&w, &me, "a guess", NEW).await, Err(AuthError::WrongPassword)));
    w.clock.advance(Duration::from_secs(1));
    assert!(matches!(change(&w, &me, PASSWORD, NEW).await, Err(AuthError::TooManyAttempts(_))), "the wait doubles");
    assert!(w.attempt("192.0.2.2", "ann", PASSWORD, None).await.is_ok(), "signing in is not slowed down by it");
    w.clock.advance(Duration::from_secs(1));
    assert!(change(&w, &me, PASSWORD, NEW).await.is_ok());
}

#[tokio::test]
async fn a_new_password_satisfies_the_policy_and_is_new() {
    let w = World::new(3);
    let me = w.enter(&w.user("mallory.smith").await).await;
    for (weak, reason) in [
        ("short", Violation::TooShort),
        ("Password1234!", Violation::Common),
        ("mallory.smith!", Violation::ContainsIdentity),
        ("abcabcabcabcabc", Violation::Repetitive),
        (PASSWORD, Violation::Unchanged),
    ] {
        match change(&w, &me, PASSWORD, weak).await {
            Err(AuthError::WeakPassword(found)) => assert!(found.contains(&reason), "{weak}: {found:?}"),
            other => panic!("{weak}: {other:?}"),
        }
    }
    assert!(w.lives(&me.token).await, "nothing changed");
    assert!(!w.trail().contains(&Action::PasswordChanged));
}

#[tokio::test]
async fn no_password_changes_without_its_record_or_by_a_dead_session() {
    let w = World::new(4);
    let user = w.user("ann").await;
    let me = w.enter(&user).await;
    w.memory.refuse_records(true);
    assert!(matches!(change(&w, &me, PASSWORD, NEW).await, Err(AuthError::Store(_))));
    w.memory.refuse_records(false);
    assert!(w.lives(&me.token).await, "nothing changed");
    w.memory.break_down(true);
    assert!(matches!(change(&w, &me, PASSWORD, NEW).await, Err(AuthError::Store(_))));
    w.memory.break_down(false);
    w.sessions.revoke_all(&Actor::system(), user.id).await.unwrap();
    let dead = change(&w, &me, PASSWORD, NEW).await;
    assert!(matches!(dead, Err(AuthError::SessionEnded)), "no cookie is minted for a dead session: {dead:?}");
}
