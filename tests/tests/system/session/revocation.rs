//! SES-5: what ends a session ends it for every request that begins afterwards, on every instance, whatever was in flight.

use std::time::{Duration, Instant};

use kernel::Actor;
use serde_json::json;
use testkit::{Answer, Client, TestApp, TestUser};

use crate::rig::cookie::{Cookies, choose, own};
use crate::rig::party::{add, found, giving, removing};
use crate::rig::storm::{Storm, let_in_after};

/// The ways in which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Logout,
    One,
    Others,
    All,
    Password,
    Disabled,
    Removed,
    Role,
    Suspended,
}

const WAYS: [Way; 9] = [
    Way::Logout,
    Way::One,
    Way::Others,
    Way::All,
    Way::Password,
    Way::Disabled,
    Way::Removed,
    Way::Role,
    Way::Suspended,
];

/// Two instances, somebody who owns an organization, and somebody whose sessions are to end.
struct Stage {
    app: TestApp,
    sibling: TestApp,
    admin: TestUser,
    boss: TestUser,
}

/// Somebody with three browsers, all in one organization.
struct Victim {
    org: String,
    user: TestUser,
    browsers: [TestUser; 3],
    cookies: Cookies,
}

impl Stage {
    async fn set(app: TestApp) -> Self {
        let sibling = app.sibling().await;
        let (admin, boss) = (app.admin().await, app.user("boss@x.test").await);
        Self { app, sibling, admin, boss }
    }

    fn bases(&self) -> [&str; 2] {
        [&self.app.base, &self.sibling.base]
    }

    async fn victim(&self, name: &str) -> Victim {
        let user = self.app.user(&format!("{name}@x.test")).await;
        let org = found(&self.boss, name).await;
        add(&self.boss, &org, &user, "member").await;
        let browsers = [user.clone(), user.in_new_browser(), user.in_new_browser()];
        let cookies = Cookies::default();
        for (number, browser) in browsers.iter().enumerate() {
            if number > 0 {
                cookies.note(&browser.sign_in().await);
            }
            cookies.note_of(browser);
            browser.switch_org(&org).await;
            cookies.note_of(browser);
        }
        Victim { org, user, browsers, cookies }
    }

    /// Ends sessions in this way; whether that is acknowledged.
    async fn end(&self, way: Way, victim: &Victim) -> bool {
        let [mine, other, _] = &victim.browsers;
        let answer = match way {
            // While a session moves, its cookie of a moment ago is nobody's: the browser sends the present one.
            Way::Logout => insist(async || own(mine.post("/api/v1/auth/logout")).await, &[401]).await,
            // It moves, and keeps its name: whoever ends it by that ends it under the token of the moment.
            Way::One => end_session(mine, other).await,
            Way::Others => mine.delete("/api/v1/auth/sessions/others").await,
            Way::All => mine.delete("/api/v1/auth/sessions/all").await,
            Way::Password => {
                let change =
                    json!({ "current_password": victim.user.password, "new_password": "another ship sails at dusk" });
                mine.post("/api/v1/auth/change-password").json(&change).await
            }
            Way::Disabled => {
                let id = victim.user.id;
                let disabled =
                    self.app.run(move |services| async move { services.users.disable(&Actor::system(), id).await });
                return disabled.await.is_ok();
            }
            Way::Removed => removing(&self.boss, &victim.org, &victim.user).await,
            Way::Role => giving(&self.boss, &victim.org, &victim.user, "admin").await,
            Way::Suspended => {
                let status = json!({ "status": "suspended" });
                self.admin.put(&format!("/api/v1/org/{}/status", victim.org)).json(&status).await
            }
        };
        victim.cookies.note(&answer);
        assert!([200, 503].contains(&answer.status), "{way:?}: {} {}", answer.status, answer.text());
        answer.status == 200
    }
}

/// Asks again while the answer is one of these.
async fn insist(ask: impl AsyncFn() -> Answer, again: &[u16]) -> Answer {
    let began = Instant::now();
    loop {
        let answer = ask().await;
        if !again.contains(&answer.status) || began.elapsed() > Duration::from_secs(20) {
            return answer;
        }
    }
}

async fn end_session(by: &Client, other: &Client) -> Answer {
    let list = by.get("/api/v1/auth/sessions").await.expect(200);
    let address = json!(other.address().to_string());
    let theirs = list["sessions"].as_array().expect("sessions").iter().find(|session| session["ip"] == address);
    let id = theirs.and_then(|session| session["id"].as_str()).expect("the other browser's");
    by.delete(&format!("/api/v1/auth/sessions/{id}")).await
}

/// Whose sessions are used while they end.
fn in_flight(way: Way, browsers: &[TestUser; 3]) -> Vec<Client> {
    let [one, two, three] = browsers;
    let these = match way {
        Way::Logout => vec![one],
        Way::One => vec![two],
        // The session that ends the others is not moved meanwhile: it would end itself with them.
        Way::Others | Way::Password | Way::All => vec![two, three],
        Way::Disabled | Way::Removed | Way::Role | Way::Suspended => vec![one, two, three],
    };
    these.into_iter().map(|user| Client::clone(user)).collect()
}

/// Whose sessions go on.
fn survivors(way: Way, browsers: &[TestUser; 3]) -> Vec<&TestUser> {
    let [one, two, three] = browsers;
    match way {
        Way::Logout => vec![two, three],
        Way::One => vec![one, three],
        Way::Others | Way::Password => vec![one],
        Way::All | Way::Disabled | Way::Removed | Way::Role | Way::Suspended => vec![],
    }
}

/// One trial; `false` when the end was not acknowledged, which promises nothing.
async fn ends_at_once(stage: &Stage, way: Way, trial: usize) -> bool {
    let victim = stage.victim(&format!("{way:?}.{trial}").to_lowercase()).await;
    let storm = Storm::begin(&in_flight(way, &victim.browsers), &stage.bases(), &victim.org, &victim.cookies).await;
    let ended = stage.end(way, &victim).await;
    let acknowledged = Instant::now();
    let sent = storm.end().await;
    if !ended {
        return false;
    }
    assert_eq!(let_in_after(&sent, acknowledged), Vec::<String>::new(), "{way:?}: let in after the end");

    let alive = survivors(way, &victim.browsers);
    let cookies = alive.iter().filter_map(|user| user.cookie("ops_session")).collect();
    println!("  {way:?}: {} requests, {} cookies", sent.len(), victim.cookies.all().len());
    victim.cookies.are_settled(&stage.bases(), &cookies, acknowledged).await;
    for user in alive {
        choose(user).await.expect(200);
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_is_dead_on_both_instances_whatever_was_in_flight() {
    TestApp::each(|app| async move {
        let stage = Stage::set(app).await;
        for way in WAYS {
            let mut trial = 0;
            while !ends_at_once(&stage, way, trial).await {
                trial += 1;
                assert!(trial < 5, "{way:?} is never acknowledged");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_out_browser_is_told_to_forget() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let answer = ada.sign_out().await;
        let body = answer.json();
        assert!(body["message"].is_string() && body["logout_url"].is_string(), "{body}");
        assert_eq!(body["sso_logout_url"], json!(null));
        assert!(answer.header("clear-site-data").is_some_and(|value| value.contains("storage")));
        let cookie =
            answer.set_cookies().into_iter().find(|line| line.starts_with("__Host-ops_session=")).expect("a cookie");
        for part in ["Max-Age=0", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert_eq!(ada.cookie("ops_session"), None);
        ada.post("/api/v1/auth/logout").await.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_enabled_again_has_no_old_sessions() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let id = ada.id;
        app.run(move |services| async move {
            services.users.disable(&Actor::system(), id).await.expect("disabled");
            services.users.enable(&Actor::system(), id).await.expect("enabled");
        })
        .await;
        choose(&ada).await.problem(401, "unauthenticated");
        ada.sign_in().await;
        choose(&ada).await.expect(200);
    })
    .await;
}
