//! Accounts are made, disabled and enabled.

use auth_core::testing::Population;
use auth_core::{AuthError, NewUser, Username};
use kernel::{Action, Actor, Email, PlatformRole, Role, UserId};

use crate::world::{PASSWORD, World, new_user};

#[tokio::test]
async fn an_account_is_made_once_per_address_and_name() {
    let w = World::new(1);
    assert!(w.users.none_yet().await.unwrap());
    let user = w.user("ann").await;
    assert!(!w.users.none_yet().await.unwrap());
    assert_eq!(w.users.get(user.id).await.unwrap(), user);
    assert!(user.enabled && user.role == PlatformRole::User && user.last_login.is_none());
    let create = async |new| w.users.create(&Actor::system(), new, &PASSWORD.into()).await;
    let same_mail = NewUser { email: Email::parse("ANN@Example.com").unwrap(), ..new_user("other") };
    assert!(matches!(create(same_mail).await, Err(AuthError::EmailTaken)));
    let same_name = NewUser { email: Email::parse("other@example.com").unwrap(), ..new_user("ann") };
    assert!(matches!(create(same_name).await, Err(AuthError::UsernameTaken)));
    assert_eq!(w.trail(), vec![Action::UserCreated], "refusals make no account and no record");
    assert!(matches!(w.users.get(UserId::mint(&w.ambient)).await, Err(AuthError::UserNotFound)));
}

#[tokio::test]
async fn who_registers_is_never_an_admin_and_never_has_a_reserved_name() {
    let w = World::new(2);
    for role in [PlatformRole::Admin, PlatformRole::Viewer, PlatformRole::User] {
        let new = NewUser { role, ..new_user(&format!("self-{}", role.as_str())) };
        let user = w.users.register(&Actor::system(), new, &PASSWORD.into()).await.unwrap();
        assert_eq!(user.role, PlatformRole::User, "whatever was asked for");
    }
    for reserved in
        ["admin", "Administrator", "ADMIN", "a.d.m.i.n", "ad_min", "root", "ak-admin", "support", "ops-center"]
    {
        let new =
            NewUser { username: Username::parse(reserved).unwrap(), role: PlatformRole::Admin, ..new_user("stranger") };
        let refused = w.users.register(&Actor::system(), new.clone(), &PASSWORD.into()).await;
        assert!(matches!(refused, Err(AuthError::UsernameReserved)), "{reserved}: {refused:?}");
    }
    let operator = NewUser { role: PlatformRole::Admin, ..new_user("administrator") };
    let admin = w.users.create(&Actor::system(), operator, &PASSWORD.into()).await.unwrap();
    assert_eq!(admin.role, PlatformRole::Admin, "the operator may");
}

#[tokio::test]
async fn a_weak_password_makes_no_account() {
    let w = World::new(3);
    for weak in ["", "short", "Password1234!", "aaaaaaaaaaaaaaaa", "mallory@example.com", "mallory-mallory"] {
        let refused = w.users.create(&Actor::system(), new_user("mallory"), &weak.into()).await;
        assert!(matches!(refused, Err(AuthError::WeakPassword(_))), "{weak:?}: {refused:?}");
    }
    assert!(w.users.none_yet().await.unwrap());
}

#[tokio::test]
async fn the_last_owner_of_an_active_organization_stays_enabled() {
    let w = World::new(4);
    let (owner, second) = (w.user("owner").await, w.user("second").await);
    let org = w.memory.org(owner.id, w.ambient.now()).await;
    let signed = w.enter(&owner).await;
    let disable = async |user| w.users.disable(&Actor::system(), user).await;
    assert!(matches!(disable(owner.id).await, Err(AuthError::LastOwner)));
    assert!(w.lives(&signed.token).await, "nothing happened");
    w.memory.join(org, second.id, Role::Owner, w.ambient.now()).await;
    disable(owner.id).await.unwrap();
    assert!(!w.lives(&signed.token).await, "the sessions are dead before the answer");
    assert!(matches!(disable(second.id).await, Err(AuthError::LastOwner)));
    assert!(matches!(disable(UserId::mint(&w.ambient)).await, Err(AuthError::UserNotFound)));
    let enabled = w.users.enable(&Actor::system(), UserId::mint(&w.ambient)).await;
    assert!(matches!(enabled, Err(AuthError::UserNotFound)));
    w.users.enable(&Actor::system(), owner.id).await.unwrap();
    assert!(w.users.get(owner.id).await.unwrap().enabled);
    assert_eq!(w.trail().last(), Some(&Action::UserEnabled));
}

#[tokio::test]
async fn the_operator_gives_another_password_and_the_old_sessions_die() {
    let w = World::new(14);
    let user = w.user("ann").await;
    let signed = w.enter(&user).await;
    let set = async |password: &str| w.users.set_password(&Actor::system(), user.id, &password.into()).await;
    assert!(matches!(set("short").await, Err(AuthError::WeakPassword(_))));
    assert!(w.lives(&signed.token).await, "nothing happened");
    set("seven rivers and a bridge").await.unwrap();
    assert!(!w.lives(&signed.token).await);
    assert!(w.attempt("192.0.2.1", "ann", "seven rivers and a bridge", None).await.is_ok());
    assert!(matches!(w.attempt("192.0.2.2", "ann", PASSWORD, None).await, Err(AuthError::InvalidCredentials)));
    let nobody = w.users.set_password(&Actor::system(), UserId::mint(&w.ambient), &PASSWORD.into()).await;
    assert!(matches!(nobody, Err(AuthError::UserNotFound)), "{nobody:?}");
}

#[tokio::test]
async fn no_account_changes_without_its_record() {
    let w = World::new(5);
    let user = w.user("ann").await;
    let signed = w.enter(&user).await;
    w.memory.refuse_records(true);
    let answers = [
        w.users.create(&Actor::system(), new_user("bob"), &PASSWORD.into()).await.err(),
        w.users.disable(&Actor::system(), user.id).await.err(),
        w.users.enable(&Actor::system(), user.id).await.err(),
        w.users.issue_link(&Actor::system(), user.id).await.err(),
    ];
    for answer in answers {
        assert!(matches!(answer, Some(AuthError::Store(_))), "{answer:?}");
    }
    w.memory.refuse_records(false);
    assert!(w.lives(&signed.token).await);
    assert!(w.users.get(user.id).await.unwrap().enabled);
    w.user("bob").await;
}

#[test]
fn a_user_name_has_one_spelling() {
    for (text, name) in [("ann", "ann"), ("ANN", "ann"), ("  a1  ", "a1"), ("a.b_c-d", "a.b_c-d")] {
        assert_eq!(Username::parse(text).unwrap().as_str(), name);
    }
    let longest = "a".repeat(64);
    assert!(Username::parse(&longest).is_ok());
    for bad in [
        "",
        "a",
        " ",
        "-ann",
        "ann-",
        ".ann",
        "ann.",
        "_a",
        "an n",
        "ann@example.com",
        "аnn",
        "ánn",
        "ａnn",
        "ann\n.b",
        "a\0b",
        "a/b",
        "a%b",
        "<b>",
        "a'b",
    ] {
        assert!(Username::parse(bad).is_err(), "{bad:?}");
    }
    assert!(Username::parse(&format!("{longest}a")).is_err());
}
