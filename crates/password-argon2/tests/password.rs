//! The hasher as sign-in uses it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use argon2::password_hash::phc::PasswordHash;
use auth_core::{PasswordHasher, testing::password_hasher_contract};
use kernel::StoreError;
use password_argon2::{Argon2Hasher, Argon2Options};
use secrecy::{ExposeSecret, SecretString};

/// The least that Argon2 allows, for tests that are not about the cost.
const CHEAP: Argon2Options = Argon2Options { memory_kib: 8, iterations: 1, lanes: 1, max_parallel: 2 };

fn secret(text: &str) -> SecretString {
    text.into()
}

#[tokio::test]
async fn the_contract_holds() {
    password_hasher_contract(&Argon2Hasher::new(CHEAP).unwrap()).await;
}

#[tokio::test]
async fn a_password_verifies_against_its_own_hash_only() {
    let hasher = Argon2Hasher::new(CHEAP).unwrap();
    let phc = hasher.hash(&secret("correct horse")).await.unwrap();
    assert!(hasher.verify(&secret("correct horse"), Some(&phc)).await.unwrap());
    for wrong in ["", "correct hors", "correct horse ", "Correct horse", "correct horse\0", "wrong"] {
        assert!(!hasher.verify(&secret(wrong), Some(&phc)).await.unwrap(), "{wrong:?}");
    }
}

#[tokio::test]
async fn passwords_of_any_script_and_length_work() {
    let hasher = Argon2Hasher::new(CHEAP).unwrap();
    for password in [String::new(), "p\u{e4}ss\u{1f980}\n\0".to_owned(), "x".repeat(100_000)] {
        let phc = hasher.hash(&secret(&password)).await.unwrap();
        assert!(hasher.verify(&secret(&password), Some(&phc)).await.unwrap());
        assert!(!hasher.verify(&secret(&format!("{password}x")), Some(&phc)).await.unwrap());
    }
}

#[tokio::test]
async fn one_password_has_a_new_salt_each_time() {
    let hasher = Argon2Hasher::new(CHEAP).unwrap();
    let (one, two) = (hasher.hash(&secret("same")).await.unwrap(), hasher.hash(&secret("same")).await.unwrap());
    let (one, two) = (PasswordHash::new(one.expose_secret()).unwrap(), PasswordHash::new(two.expose_secret()).unwrap());
    assert_ne!(one.salt, two.salt);
    assert_ne!(one.hash, two.hash);
    assert_eq!(one.salt.unwrap().len(), 16);
}

#[tokio::test]
async fn the_default_is_what_owasp_asks_for() {
    let hasher = Argon2Hasher::new(Argon2Options::default()).unwrap();
    let phc = hasher.hash(&secret("a password")).await.unwrap();
    assert!(phc.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", phc.expose_secret());
    assert!(hasher.verify(&secret("a password"), Some(&phc)).await.unwrap());
}

#[tokio::test]
async fn older_hashes_verify_after_the_parameters_were_raised() {
    let old = Argon2Hasher::new(CHEAP).unwrap();
    let new = Argon2Hasher::new(Argon2Options { memory_kib: 64, iterations: 3, lanes: 2, max_parallel: 2 }).unwrap();
    let before = old.hash(&secret("a password")).await.unwrap();
    assert!(new.verify(&secret("a password"), Some(&before)).await.unwrap());
    assert!(!new.verify(&secret("another"), Some(&before)).await.unwrap());
    let after = new.hash(&secret("a password")).await.unwrap();
    assert!(after.expose_secret().starts_with("$argon2id$v=19$m=64,t=3,p=2$"), "{}", after.expose_secret());
    assert!(old.verify(&secret("a password"), Some(&after)).await.unwrap());
}

#[tokio::test]
async fn nobody_has_no_password() {
    let hasher = Argon2Hasher::new(CHEAP).unwrap();
    // The dummy's own password is random and forgotten; what could be guessed in its place is not it either.
    let zeros = String::from_utf8(vec![0; 32]).unwrap();
    for guess in ["", "dummy", "password", zeros.as_str()] {
        assert!(!hasher.verify(&secret(guess), None).await.unwrap());
    }
}

#[tokio::test]
async fn nobody_costs_as_much_as_somebody() {
    // Both comparisons run Argon2 with the same parameters; the shortest of several runs leaves out what the machine did beside.
    let hasher = Argon2Hasher::new(Argon2Options { max_parallel: 1, ..Argon2Options::default() }).unwrap();
    let phc = hasher.hash(&secret("a password")).await.unwrap();
    let mut fastest = [f64::MAX; 2];
    for _ in 0..8 {
        for (shortest, known) in fastest.iter_mut().zip([Some(&phc), None]) {
            let begun = tokio::time::Instant::now();
            assert!(!hasher.verify(&secret("wrong"), known).await.unwrap());
            *shortest = shortest.min(begun.elapsed().as_secs_f64());
        }
    }
    let [somebody, nobody] = fastest;
    assert!((0.5..2.0).contains(&(nobody / somebody)), "somebody {somebody} s, nobody {nobody} s");
}

#[tokio::test]
async fn a_hash_that_is_none_is_a_defect_and_not_a_wrong_password() {
    let hasher = Argon2Hasher::new(CHEAP).unwrap();
    for malformed in [
        "",
        "a password",
        "$argon2id$",
        "$argon2id$v=19$m=8,t=1,p=1",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA",
        "$argon2id$v=19$m=0,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        "$scrypt$ln=1,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = hasher.verify(&secret("a password"), Some(&secret(malformed))).await;
        assert!(matches!(answer, Err(StoreError::Broken(_))), "{malformed:?}: {answer:?}");
    }
}

#[tokio::test]
async fn parameters_that_argon2_does_not_allow_are_refused() {
    let wrong = [
        Argon2Options { memory_kib: 7, ..CHEAP },
        Argon2Options { iterations: 0, ..CHEAP },
        Argon2Options { lanes: 0, ..CHEAP },
        Argon2Options { memory_kib: 8, lanes: 2, ..CHEAP },
    ];
    for options in wrong {
        assert!(matches!(Argon2Hasher::new(options), Err(StoreError::Broken(_))), "{options:?}");
    }
    // A machine that says it has no processors still signs people in.
    let hasher = Argon2Hasher::new(Argon2Options { max_parallel: 0, ..CHEAP }).unwrap();
    assert!(hasher.hash(&secret("a password")).await.is_ok());
}

/// Long enough that the work goes on while another caller's patience ends.
const SLOW: Argon2Options = Argon2Options { memory_kib: 64 * 1024, iterations: 20, lanes: 1, max_parallel: 1 };

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_so() {
    let hasher = Arc::new(Argon2Hasher::new(Argon2Options { max_parallel: 1, ..CHEAP }).unwrap());
    let fields = salt_and_output(&hasher).await;
    let slow = secret(&format!("$argon2id$v=19$m={},t={},p=1${fields}", SLOW.memory_kib, SLOW.iterations));
    let verify = |phc: SecretString| {
        let hasher = hasher.clone();
        tokio::spawn(async move { hasher.verify(&secret("x"), Some(&phc)).await })
    };
    let working = verify(slow.clone());
    let mut waiting: Vec<_> = (0..3).map(|_| verify(slow.clone())).collect();
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_millis(4_999)).await;
    tokio::task::yield_now().await;
    assert!(waiting.iter().all(|waiter| !waiter.is_finished()));
    tokio::time::advance(Duration::from_millis(2)).await;
    for waiter in waiting.drain(..) {
        match waiter.await.unwrap() {
            Err(StoreError::Unavailable(cause)) => assert_eq!(cause.to_string(), "password hashing is overloaded"),
            other => panic!("{other:?}"),
        }
    }
    assert!(!working.is_finished(), "the test is only one while the work goes on");
    assert!(!working.await.unwrap().unwrap());
    // The turn came back.
    assert!(hasher.hash(&secret("a password")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_does_not_free_the_turn() {
    let hasher = Arc::new(Argon2Hasher::new(Argon2Options { max_parallel: 1, ..CHEAP }).unwrap());
    let fields = salt_and_output(&hasher).await;
    let slow = secret(&format!("$argon2id$v=19$m={},t={},p=1${fields}", SLOW.memory_kib, SLOW.iterations));
    let gone = {
        let (hasher, slow) = (hasher.clone(), slow.clone());
        tokio::spawn(async move { hasher.verify(&secret("x"), Some(&slow)).await })
    };
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let next = tokio::spawn(async move { hasher.verify(&secret("x"), Some(&slow)).await });
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_millis(5_001)).await;
    assert!(matches!(next.await.unwrap(), Err(StoreError::Unavailable(_))));
}

/// The last two fields of a PHC string.
async fn salt_and_output(hasher: &Argon2Hasher) -> String {
    let phc = hasher.hash(&secret("a password")).await.unwrap();
    let fields: Vec<&str> = phc.expose_secret().rsplitn(3, '$').collect();
    format!("{}${}", fields.get(1).unwrap(), fields.first().unwrap())
}
