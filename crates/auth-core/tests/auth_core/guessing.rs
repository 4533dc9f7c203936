//! Guessing is slow, and a victim is not locked out by it (LOG-1).

use std::collections::HashMap;
use std::time::Duration;

use auth_core::{AuthError, Device};

use crate::world::{PASSWORD, World};

/// Whether the attempt got as far as a comparison of passwords.
async fn tried(w: &World, ip: &str, login: &str) -> bool {
    match w.attempt(ip, login, "wrong guess", None).await {
        Err(AuthError::InvalidCredentials) => true,
        Err(AuthError::TooManyAttempts(_)) => false,
        other => panic!("{other:?}"),
    }
}

fn allowed_per_address(elapsed: Duration) -> u64 {
    5 + elapsed.as_secs() / 20
}

#[tokio::test]
async fn a_thousand_tries_from_one_address() {
    let w = World::new(1);
    let (mut passed, start) = (0, w.ambient.now());
    for n in 0..1000 {
        // Each at another account, so that only the address slows them down.
        passed += u64::from(tried(&w, "192.0.2.1", &format!("victim-{n}")).await);
        let elapsed = (w.ambient.now() - start).to_std().unwrap();
        assert!(passed <= allowed_per_address(elapsed), "{passed} tries in {elapsed:?}");
        w.clock.advance(Duration::from_millis(500));
    }
    assert_eq!(passed, allowed_per_address(Duration::from_secs(499)), "slow, not shut");
}

#[tokio::test]
async fn a_thousand_tries_from_a_hundred_addresses_at_one_account() {
    let w = World::new(2);
    let user = w.user("ann").await;
    let device: Device = w.enter(&user).await.device.unwrap();
    let start = w.ambient.now();
    let (mut passed, mut by_address) = (0, HashMap::new());
    for n in 0..1000 {
        let ip = format!("203.0.113.{}", n % 100);
        if tried(&w, &ip, if n % 2 == 0 { "ann" } else { "ann@example.com" }).await {
            passed += 1;
            *by_address.entry(ip).or_insert(0) += 1;
        }
        let elapsed = (w.ambient.now() - start).to_std().unwrap();
        assert!(by_address.values().all(|tries| *tries <= allowed_per_address(elapsed)), "per address");
        w.clock.advance(Duration::from_millis(3600));
    }
    assert!(passed <= 60, "{passed} guesses at one account within an hour");
    assert!(passed >= 4, "never permanent: {passed}");

    let locked = w.attempt("198.51.100.99", "ann", PASSWORD, None).await;
    assert!(matches!(locked, Err(AuthError::TooManyAttempts(wait)) if wait <= Duration::from_mins(15)), "{locked:?}");
    for ip in ["198.51.100.7", "203.0.113.1"] {
        let signed = w.attempt(ip, "ann", PASSWORD, Some(&device)).await.unwrap();
        assert!(w.lives(&signed.token).await, "the victim's own browser gets in all the same");
        assert!(signed.device.is_none(), "and stays the device that it is");
    }
}

#[tokio::test]
async fn each_guess_at_an_account_doubles_the_wait_to_a_quarter_of_an_hour() {
    let w = World::new(3);
    w.user("ann").await;
    let mut expected = Duration::from_secs(1);
    for n in 0..14 {
        assert!(tried(&w, &format!("192.0.2.{n}"), "ann").await, "try {n}");
        match w.attempt(&format!("192.0.2.{}", n + 100), "ann", PASSWORD, None).await {
            Err(AuthError::TooManyAttempts(wait)) => assert_eq!(wait, expected, "try {n}"),
            other => panic!("try {n}: {other:?}"),
        }
        w.clock.advance(expected);
        expected = (expected * 2).min(Duration::from_mins(15));
    }
    assert_eq!(expected, Duration::from_mins(15));
    assert!(w.attempt("192.0.2.200", "ann", PASSWORD, None).await.is_ok(), "after the wait the owner gets in");
}

#[tokio::test]
async fn accounts_that_do_not_exist_are_slowed_down_alike() {
    let w = World::new(4);
    w.user("ann").await;
    for login in ["ann", "nobody", "nobody@example.com", ""] {
        w.clock.advance(Duration::from_hours(1));
        assert!(tried(&w, "192.0.2.1", login).await, "{login:?}");
        assert!(!tried(&w, "192.0.2.2", login).await, "{login:?}: the wait tells nothing");
    }
}

#[tokio::test]
async fn success_gives_the_attempts_back() {
    let w = World::new(5);
    let user = w.user("ann").await;
    for n in 0..50 {
        assert!(w.attempt("192.0.2.1", "ann", PASSWORD, None).await.is_ok(), "sign-in {n} at the same moment");
    }
    let device = w.enter(&user).await.device.unwrap();
    for n in 0..50 {
        assert!(w.attempt("192.0.2.1", "ann", PASSWORD, Some(&device)).await.is_ok(), "sign-in {n} with the device");
    }
    for _ in 0..3 {
        assert!(tried(&w, "192.0.2.9", "ann").await);
        w.clock.advance(Duration::from_mins(15));
    }
    assert!(w.attempt("192.0.2.1", "ann", PASSWORD, None).await.is_ok());
    assert!(tried(&w, "192.0.2.8", "ann").await);
    w.clock.advance(Duration::from_secs(1));
    assert!(tried(&w, "192.0.2.7", "ann").await, "the waits begin anew after a success");
}

#[tokio::test]
async fn a_known_device_is_slowed_down_by_itself() {
    let w = World::new(6);
    let (ann, bob) = (w.user("ann").await, w.user("bob").await);
    let device = w.enter(&ann).await.device.unwrap();
    for n in 0..5 {
        let guess = w.attempt("192.0.2.1", "ann", "wrong guess", Some(&device)).await;
        assert!(matches!(guess, Err(AuthError::InvalidCredentials)), "guess {n}: {guess:?}");
    }
    let guess = w.attempt("192.0.2.1", "ann", PASSWORD, Some(&device)).await;
    assert!(matches!(guess, Err(AuthError::TooManyAttempts(wait)) if wait == Duration::from_mins(1)), "{guess:?}");
    assert!(w.attempt("192.0.2.1", "ann", PASSWORD, None).await.is_ok(), "strangers are counted elsewhere");

    let foreign = w.enter(&bob).await.device.unwrap();
    for unknown in [foreign, Device::mint(&w.ambient)] {
        w.clock.advance(Duration::from_hours(1));
        assert!(tried(&w, "192.0.2.2", "ann").await);
        let guess = w.attempt("192.0.2.3", "ann", PASSWORD, Some(&unknown)).await;
        assert!(matches!(guess, Err(AuthError::TooManyAttempts(_))), "another user's device opens nothing: {guess:?}");
    }
}

#[tokio::test]
async fn an_ipv6_network_is_one_address() {
    let w = World::new(7);
    let mut passed = 0;
    for n in 0..50 {
        passed += u32::from(tried(&w, &format!("2001:db8:1:2::{n:x}"), &format!("victim-{n}")).await);
    }
    assert_eq!(passed, 5);
    assert!(tried(&w, "2001:db8:1:3::1", "victim").await, "another network is another client");
}
