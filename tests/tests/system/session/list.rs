//! SES-6: people see their sessions and end them; there are at most ten.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{TestApp, TestUser};

use crate::rig::cookie::session_cookies;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Signs in from a new browser, a second later than whoever came before.
async fn browser(app: &TestApp, user: &TestUser) -> TestUser {
    app.clock.advance(Duration::from_secs(1));
    let browser = user.in_new_browser();
    let credentials = json!({ "username": user.email, "password": user.password });
    browser.post("/api/v1/auth/login").header("User-Agent", FIREFOX).json(&credentials).await.expect(200);
    browser
}

async fn list(user: &TestUser) -> Vec<Value> {
    user.get("/api/v1/auth/sessions").await.expect(200)["sessions"].as_array().expect("sessions").clone()
}

/// The id of the session itself.
async fn own_id(user: &TestUser) -> String {
    let mine: Vec<Value> = list(user).await.into_iter().filter(|session| session["is_current"] == true).collect();
    assert_eq!(mine.len(), 1, "{mine:?}");
    mine[0]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_eleventh_session_ends_the_oldest() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let mut browsers = vec![ada.clone()];
        for _ in 0..10 {
            browsers.push(browser(&app, &ada).await);
        }
        browsers[0].get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        for alive in &browsers[1..] {
            alive.get("/api/v1/auth/me").await.expect(200);
        }
        let newest = &browsers[10];
        let sessions = list(newest).await;
        assert_eq!(sessions.len(), 10);
        let created: Vec<&str> =
            sessions.iter().map(|session| session["created_at"].as_str().expect("a time")).collect();
        assert!(created.is_sorted_by(|a, b| a > b), "newest first: {created:?}");
        let current = sessions.iter().filter(|session| session["is_current"] == true).count();
        assert_eq!((current, &sessions[0]["is_current"]), (1, &json!(true)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eleven_sign_ins_at_once_leave_ten() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let credentials = json!({ "username": ada.email, "password": ada.password });
        let browsers: Vec<TestUser> = (0..20).map(|_| ada.in_new_browser()).collect();
        let mut tasks = Vec::new();
        for browser in browsers.clone() {
            let credentials = credentials.clone();
            tasks.push(tokio::spawn(async move { browser.post("/api/v1/auth/login").json(&credentials).await }));
        }
        let mut signed_in = 0;
        for task in tasks {
            // Attempts at one account are slowed down: some of those at once wait.
            let answer = task.await.expect("an answer");
            assert!([200, 429].contains(&answer.status), "{}", answer.text());
            signed_in += usize::from(answer.status == 200);
        }
        for browser in &browsers {
            if browser.cookie("ops_session").is_none() {
                browser.sign_in().await;
                signed_in += 1;
            }
        }
        assert_eq!(signed_in, 20);
        let mut alive = 0;
        for browser in &browsers {
            alive += usize::from(browser.get("/api/v1/auth/me").await.status == 200);
        }
        assert_eq!(alive, 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_tells_what_a_person_recognizes_and_nothing_that_signs_in() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let other = browser(&app, &ada).await;
        app.clock.advance(Duration::from_mins(1));
        let sessions = list(&ada).await;
        let theirs = sessions.iter().find(|session| session["is_current"] == false).expect("the other one");
        assert_eq!(theirs["device"], "Firefox on Linux");
        assert_eq!(theirs["user_agent"], FIREFOX);
        assert_eq!(theirs["ip_address"], json!(other.address().to_string()));
        assert_eq!(theirs["ip"], theirs["ip_address"]);
        assert_eq!(theirs["location"], json!(null));
        assert_eq!(theirs["id"], theirs["session_id"]);
        assert!(theirs["id"].as_str().is_some_and(|id| id.starts_with("ses_")));
        assert_eq!(theirs["isCurrent"], json!(false));
        for same in ["last_activity", "lastActive"] {
            assert_eq!(theirs["last_active"], theirs[same]);
        }
        for time in ["created_at", "last_active", "expires_at"] {
            assert!(
                theirs[time].as_str().is_some_and(|time| time.ends_with('Z') && time.contains('T')),
                "{time}: {theirs}"
            );
        }
        let before = theirs["last_active"].clone();
        app.clock.advance(Duration::from_secs(5));
        other.me().await;
        let later = list(&ada).await;
        let later = later.iter().find(|session| session["is_current"] == false).expect("the other one");
        assert!(later["last_active"].as_str() > before.as_str(), "{later}");
        assert_eq!(later["created_at"], theirs["created_at"]);
        let text = serde_json::to_string(&sessions).expect("JSON");
        for cookie in [ada.cookie("ops_session"), other.cookie("ops_session")].into_iter().flatten() {
            assert!(!text.contains(cookie.split_once('.').expect("a secret").1), "ids are not credentials");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_ended_and_the_others_live() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let (one, two) = (browser(&app, &ada).await, browser(&app, &ada).await);
        let id = own_id(&one).await;
        let path = format!("/api/v1/auth/sessions/{id}");
        let ended = ada.delete(&path).await;
        assert_eq!(ended.expect(200)["success"], true);
        assert!(ended.set_cookies().is_empty());
        for base in [&app.base, &sibling.base] {
            testkit::Client::at(&one, base).get("/api/v1/auth/me").await.problem(401, "unauthenticated");
            testkit::Client::at(&two, base).get("/api/v1/auth/me").await.expect(200);
            testkit::Client::at(&ada, base).get("/api/v1/auth/me").await.expect(200);
        }
        assert_eq!(list(&ada).await.len(), 2);
        ada.delete(&path).await.problem(404, "not_found");

        // Somebody else's session, one that never was, and what is no id answer alike.
        let bob = app.user("bob@x.test").await;
        let foreign = own_id(&two).await;
        let unknown = "ses_01890a5d-ac96-774b-bcce-b302099a8057";
        for id in [foreign.as_str(), unknown, "1", "OTHERS", "usr_01890a5d-ac96-774b-bcce-b302099a8057"] {
            bob.delete(&format!("/api/v1/auth/sessions/{id}")).await.problem(404, "not_found");
        }
        two.get("/api/v1/auth/me").await.expect(200);

        let others = ada.delete("/api/v1/auth/sessions/others").await;
        assert_eq!(session_cookies(&others).len(), 1);
        two.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        assert_eq!(list(&ada).await.len(), 1);

        let third = browser(&app, &ada).await;
        let all = ada.delete("/api/v1/auth/sessions/all").await;
        all.expect(200);
        assert!(all.set_cookies().iter().any(|line| line.contains("ops_session=;") && line.contains("Max-Age=0")));
        assert_eq!(ada.cookie("ops_session"), None);
        third.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        bob.get("/api/v1/auth/me").await.expect(200);

        // One's own by its id is a sign-out.
        let mine = own_id(&bob).await;
        let ended = bob.delete(&format!("/api/v1/auth/sessions/{mine}")).await;
        ended.expect(200);
        assert!(ended.set_cookies().iter().any(|line| line.contains("ops_session=;") && line.contains("Max-Age=0")));
    })
    .await;
}
