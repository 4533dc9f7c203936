//! A suspended organization stops within a second, on every instance, for everybody in it and for nobody else.

use std::time::{Duration, Instant};

use kernel::Actor;
use serde_json::json;
use testkit::{TestApp, TestUser};

use crate::rig::cookie::choose;
use crate::rig::party::{add, adding, found};
use crate::rig::until;

async fn set(admin: &TestUser, org: &str, status: &str) {
    admin.put(&format!("/api/v1/org/{org}/status")).json(&json!({ "status": status })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_stop_within_a_second_on_both_instances() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let admin = app.admin().await;
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let (org, other) = (found(&ada, "Acme").await, found(&ada, "Untouched").await);
        add(&ada, &org, &bob, "member").await;
        let (here, there, elsewhere) = (ada.in_new_browser(), bob.in_new_browser(), ada.in_new_browser());
        for (browser, place) in [(&here, &org), (&there, &org), (&elsewhere, &other)] {
            browser.sign_in().await;
            browser.switch_org(place).await;
        }
        for browser in [&here.at(&sibling), &there.at(&sibling), &here, &there] {
            browser.get("/api/v1/org/info").await.expect(200);
        }
        set(&admin, &org, "suspended").await;
        let suspended = Instant::now();
        // Changes at once; reads within a second, even where the answer of before is remembered.
        for browser in [&here, &there, &here.at(&sibling), &there.at(&sibling)] {
            choose(browser).await.problem(401, "unauthenticated");
            browser.get("/api/v1/org/info").await.problem(401, "unauthenticated");
        }
        assert!(suspended.elapsed() < Duration::from_secs(1), "{:?}", suspended.elapsed());
        for instance in [&app, &sibling] {
            let stopped = async || there.at(instance).get("/api/v1/auth/me").await.status == 401;
            until(Duration::from_secs(1), "reads stop", stopped).await;
            for gate in ["/auth/check", "/api/v1/tier-check/check?tier=free", "/api/v1/tier-check/billing"] {
                let refused = there.at(instance).get(gate).await;
                assert!([401, 403].contains(&refused.status), "{gate}: {} {}", refused.status, refused.text());
            }
            choose(&elsewhere.at(instance)).await.expect(200);
        }
        // Nobody gets in again: not by the path, not by switching, not by signing in.
        let again = ada.in_new_browser();
        again.sign_in().await;
        assert_ne!(again.me().await["org_id"], json!(org));
        again.get(&format!("/api/v1/org/{org}")).await.problem(404, "not_found");
        again.post("/api/v1/org/switch").json(&json!({ "org_id": org })).await.problem(404, "not_found");
        adding(&again, &org, "x@x.test", "member").await.problem(404, "not_found");
        let mine = again.get("/api/v1/org/my-orgs").await.expect(200);
        let row = mine.as_array().expect("organizations").iter().find(|row| row["id"] == json!(org)).cloned();
        assert_eq!(row.expect("a suspended organization is still theirs")["status"], "suspended");

        set(&admin, &org, "active").await;
        again.switch_org(&org).await;
        again.get("/api/v1/org/info").await.expect(200);
        again.at(&sibling).get("/api/v1/org/info").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_active_owner_it_stays_suspended_and_the_answer_says_what_to_do() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Acme").await;
        let admin = app.admin().await;
        set(&admin, &org, "suspended").await;
        let id = ada.id;
        app.run(move |services| async move { services.users.disable(&Actor::system(), id).await.is_ok() }).await;
        let path = format!("/api/v1/org/{org}/status");
        let problem = admin.put(&path).json(&json!({ "status": "active" })).await.problem(409, "last_owner");
        let detail = problem["detail"].as_str().expect("a sentence");
        assert!(detail.contains("enable the account of one of its owners"), "{detail}");
        assert!(
            app.run(move |services| async move { services.users.enable(&Actor::system(), id).await.is_ok() }).await
        );
        set(&admin, &org, "active").await;
        ada.sign_in().await;
        assert_eq!(ada.get(&format!("/api/v1/org/{org}")).await.expect(200)["status"], "active");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_operator_suspends_and_only_to_a_state_that_is_one() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let org = ada.me().await["org_id"].as_str().expect("an id").to_owned();
        let path = format!("/api/v1/org/{org}/status");
        ada.put(&path).json(&json!({ "status": "suspended" })).await.problem(403, "forbidden");
        let admin = app.admin().await;
        for wrong in [
            json!({ "status": "deleted" }),
            json!({ "status": "SUSPENDED" }),
            json!({ "status": null }),
            json!({}),
            json!({ "status": "active", "plan_tier": "enterprise" }),
        ] {
            assert_eq!(admin.put(&path).json(&wrong).await.status, 422, "{wrong}");
        }
        let unknown = "/api/v1/org/org_01890a5d-ac96-774b-bcce-b302099a8057/status";
        admin.put(unknown).json(&json!({ "status": "suspended" })).await.problem(404, "not_found");
        assert_eq!(ada.get("/api/v1/org/info").await.expect(200)["status"], "active");
    })
    .await;
}
