//! One-time sign-in links: once, in time, and by a button that programs which look at mail do not press.

use std::time::Duration;

use kernel::{Actor, UserId};
use testkit::{Answer, Client, Request, TestApp};

use crate::rig::cookie::session_cookies;
use crate::rig::{at_once, tally};

async fn issue(app: &TestApp, user: UserId) -> String {
    app.run(move |services| async move {
        services.users.issue_link(&Actor::system(), user).await.expect("a link").expose().to_owned()
    })
    .await
}

fn press(client: &Client, token: &str) -> Request {
    client.post("/sign-in/link").without_csrf().form(&[("token", token)])
}

/// Nobody was signed in.
fn refused(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert!(session_cookies(answer).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_signs_in_once_of_thirty_two_at_once() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let token = issue(&app, ada.id).await;
        // Looking at it, however often, does not use it up.
        for _ in 0..3 {
            let page = app.visitor().get(&format!("/sign-in/link?token={token}")).await;
            assert_eq!((page.status, session_cookies(&page).len()), (200, 0));
        }
        let requests =
            (0..32).map(|number| press(&if number % 2 == 0 { app.visitor() } else { sibling.visitor() }, &token));
        let answers = at_once(requests).await;
        assert_eq!(tally(&answers), [(303, 1), (401, 31)]);
        let given: Vec<String> = answers.iter().flat_map(session_cookies).collect();
        assert_eq!(given.len(), 1);
        let browser = crate::rig::cookie::holder(&app.base, &given[0]);
        assert_eq!(browser.get("/api/v1/auth/me").await.expect(200)["email"], "ada@x.test");
        refused(&press(&app.visitor(), &token).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_works_for_a_day_and_not_a_second_longer() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let (early, late) = (issue(&app, ada.id).await, issue(&app, ada.id).await);
        app.clock.advance(Duration::from_secs(24 * 3600 - 5));
        let answer = press(&app.visitor(), &early).await;
        assert_eq!((answer.status, session_cookies(&answer).len()), (303, 1));
        app.clock.advance(Duration::from_secs(6));
        refused(&press(&app.visitor(), &late).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_of_a_disabled_account_and_one_that_never_was_answer_alike() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let token = issue(&app, ada.id).await;
        app.run(move |services| async move { services.users.disable(&Actor::system(), ada.id).await })
            .await
            .expect("disabled");
        let (disabled, unknown) = (press(&app.visitor(), &token).await, press(&app.visitor(), &"A".repeat(43)).await);
        refused(&disabled);
        refused(&unknown);
        let plain = |answer: &Answer| answer.text().replace(answer.header("x-request-id").unwrap_or_default(), "");
        assert_eq!(plain(&disabled), plain(&unknown));
        for text in ["", "short", &"!".repeat(43)] {
            assert_eq!(press(&app.visitor(), text).await.status, 404, "{text:?}");
        }
        // Links are guessed slowly as well.
        let guesser = app.visitor();
        let mut statuses = Vec::new();
        for number in 0..6 {
            statuses.push(press(&guesser, &format!("{number}{}", "A".repeat(42))).await.status);
        }
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    })
    .await;
}
