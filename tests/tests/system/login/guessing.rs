//! LOG-1, RL-3, RL-4: attempts are counted where they come from and where they go to; a forged address is no other address.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Client, Request, TestApp, TestUser};

use crate::rig::at_once;
use crate::rig::cookie::DEVICE;

fn attempt(client: &Client, login: &str) -> Request {
    client.post("/api/v1/auth/login").without_csrf().json(&json!({ "username": login, "password": "a wrong password" }))
}

/// The wait that an answer asks for, in seconds; `None` when the attempt was let through.
fn wait(answer: &Answer) -> Option<u64> {
    if answer.status == 401 {
        answer.problem(401, "invalid_credentials");
        return None;
    }
    let body = answer.problem(429, "too_many_attempts");
    let seconds: u64 = answer.header("retry-after").expect("when to come again").parse().expect("seconds");
    assert!(body["detail"].as_str().is_some_and(|text| text.contains(&seconds.to_string())), "{body}");
    Some(seconds)
}

/// After the wait that was told the next attempt passes, and a second before that it does not.
async fn is_honest(app: &TestApp, told: u64, again: impl AsyncFn() -> Answer) {
    app.clock.advance(Duration::from_secs(told - 1));
    assert!(wait(&again().await).is_some(), "a second earlier than told");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(wait(&again().await), None, "not as told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sixth_attempt_from_one_address_waits_as_long_as_it_is_told() {
    TestApp::each(|app| async move {
        let mut trials = 0;
        for trial in 0..40 {
            let client = app.visitor();
            // Another name each time: only the address counts.
            let number = std::cell::Cell::new(0);
            let next = async || {
                number.set(number.get() + 1);
                attempt(&client, &format!("nobody{trial}x{}", number.get())).await
            };
            let began = Instant::now();
            for _ in 0..5 {
                assert_eq!(wait(&next().await), None);
            }
            let told = wait(&next().await).expect("a wait");
            // The clock runs on by itself: what took long does not count as a trial of seconds.
            if began.elapsed() > Duration::from_millis(300) {
                continue;
            }
            is_honest(&app, told, next).await;
            assert!((19..=20).contains(&told), "one in twenty seconds: {told}");
            trials += 1;
            if trials == 5 {
                return;
            }
        }
        panic!("only {trials} trials were quick enough");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_attempt_at_one_account_doubles_the_wait_up_to_a_quarter_of_an_hour() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let mut waits = Vec::new();
        for _ in 0..13 {
            assert_eq!(wait(&attempt(&app.visitor(), &ada.email).await), None);
            let told = wait(&attempt(&app.visitor(), &ada.email).await).expect("a wait");
            waits.push(told);
            app.clock.advance(Duration::from_secs(told));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        // The address and the user name of one account are two ways to it; neither is free.
        app.clock.advance(Duration::from_mins(15));
        ada.in_new_browser().sign_in().await;
        assert_eq!(wait(&attempt(&app.visitor(), &ada.email).await), None, "success forgives");
        assert_eq!(wait(&attempt(&app.visitor(), &ada.email).await), Some(1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_addresses_have_at_most_sixty_attempts_an_hour_at_one_account() {
    TestApp::each(|app| async move {
        let victim = app.user("victim@x.test").await;
        let browser = victim.in_new_browser();
        browser.sign_in().await;
        assert!(browser.cookie("ops_device").is_some());
        let strangers: Vec<Client> = (0..100).map(|_| app.visitor()).collect();
        let began = Instant::now();
        let answers = at_once(strangers.iter().map(|stranger| attempt(stranger, "VICTIM@x.test"))).await;
        let mut admitted = answers.iter().filter(|answer| wait(answer).is_none()).count();
        // One, then one after a second, then one after two more.
        let passed =
            [0, 1, 3, 7, 15].into_iter().filter(|second| began.elapsed() >= Duration::from_secs(*second)).count();
        assert!((1..=passed).contains(&admitted), "{admitted} of a hundred at once");
        // An hour, in which each of them tries again every now and then, under every spelling of the name.
        for stranger in &strangers {
            app.clock.advance(Duration::from_secs(36));
            for spelling in ["victim@x.test", "Victim@X.Test"] {
                admitted += usize::from(wait(&attempt(stranger, spelling).await).is_none());
            }
        }
        assert!((10..=60).contains(&admitted), "{admitted} attempts in an hour");

        // Whoever signed in from a browser before is not kept out by that; a new one is.
        wait(&attempt(&strangers[0], &victim.email).await);
        let credentials = json!({ "username": victim.email, "password": victim.password });
        let elsewhere = victim.in_new_browser();
        assert!(wait(&elsewhere.post("/api/v1/auth/login").json(&credentials).await).is_some());
        for _ in 0..3 {
            browser.sign_in().await;
            browser.me().await;
            browser.sign_out().await;
        }
        // And it cannot be used to guess at leisure.
        let mut guesses = 0;
        while wait(&attempt(&browser, &victim.email).await).is_none() {
            guesses += 1;
        }
        assert!(guesses <= 5, "{guesses} guesses from a known browser");
        // A device cookie of one account says nothing about another.
        let other = app.user("other@x.test").await;
        let borrowed = other.in_new_browser();
        borrowed.set_cookie(DEVICE, &browser.cookie("ops_device").expect("a device"));
        assert_eq!(wait(&attempt(&app.visitor(), &other.email).await), None);
        assert_eq!(wait(&attempt(&borrowed, &other.email).await), Some(1));
    })
    .await;
}

/// An attempt that says it comes from here.
fn attempt_from(app: &TestApp, forwarded: &[&str], login: &str) -> Request {
    // The kit's own header comes first: it is the client's own word, and what the proxy appends stands behind it.
    forwarded.iter().fold(attempt(&app.visitor(), login), |request, value| request.header("X-Forwarded-For", value))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_forged_addresses_from_an_untrusted_peer_are_one() {
    TestApp::each_with(
        |config| config.server.trusted_proxies = Vec::new(),
        |app| async move {
            let began = Instant::now();
            let mut admitted = 0;
            for batch in 0..125 {
                // Every client of the kit has an address of its own, and here one more.
                let requests = (0..8).map(|number| {
                    let forged = format!("203.0.{batch}.{number}");
                    attempt_from(&app, &[&forged], &format!("nobody{batch}x{number}"))
                        .header("Forwarded", &format!("for={forged}"))
                        .header("X-Real-IP", &forged)
                });
                admitted += at_once(requests).await.iter().filter(|answer| wait(answer).is_none()).count();
            }
            let refilled = usize::try_from(began.elapsed().as_secs() / 20).expect("a number");
            assert!((5..=5 + refilled).contains(&admitted), "{admitted} attempts, {refilled} refilled");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_is_believed_about_its_own_neighbour_only() {
    TestApp::each(|app| async move {
        // What stands left of the last hop is the client's own word: rotating it changes nothing.
        let mut admitted = 0;
        for number in 0..12 {
            let chain = format!("198.51.100.{number}, 192.0.2.77");
            let answer = attempt_from(&app, &[&chain], &format!("nobody{number}")).await;
            admitted += usize::from(wait(&answer).is_none());
        }
        assert_eq!(admitted, 5);
        // Another client behind the same proxy is not slowed down by that one.
        for number in 0..5 {
            let answer = attempt_from(&app, &["192.0.2.78"], &format!("somebody{number}")).await;
            assert_eq!(wait(&answer), None);
        }
        // An IPv6 client holds a whole /64.
        let mut admitted = 0;
        for number in 0..12 {
            let answer = attempt_from(&app, &[&format!("2001:db8:1:2::{number}")], &format!("anybody{number}")).await;
            admitted += usize::from(wait(&answer).is_none());
        }
        assert_eq!(admitted, 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_attempts_are_all_counted() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let requests = (0..32).map(|number| {
            let at = if number % 2 == 0 { &app } else { &sibling };
            attempt_from(at, &["192.0.2.99"], &format!("nobody{number}"))
        });
        let answers = at_once(requests).await;
        assert_eq!(answers.iter().filter(|answer| wait(answer).is_none()).count(), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_present_password_is_guessed_slowly_too() {
    TestApp::each(|app| async move {
        let ada: TestUser = app.user("ada@x.test").await;
        let guess = json!({ "current_password": "a wrong password", "new_password": "another ship sails at dusk" });
        let change = async || ada.post("/api/v1/auth/change-password").json(&guess).await;
        change().await.problem(400, "wrong_password");
        change().await.problem(429, "too_many_attempts");
        app.clock.advance(Duration::from_secs(1));
        change().await.problem(400, "wrong_password");
        let told = change().await;
        told.problem(429, "too_many_attempts");
        assert_eq!(told.header("retry-after"), Some("2"));
    })
    .await;
}
