//! The end of an organization: meant, by somebody who may, with a fresh sign-in; then it is gone for everybody at once.

use std::time::Duration;

use testkit::TestApp;

use crate::rig::cookie::choose;
use crate::rig::party::{add, adding, found};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_must_be_meant_and_fresh_and_by_an_owner() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let (ada, bob, eve) =
            (app.user("ada@x.test").await, app.user("bob@x.test").await, app.user("eve@x.test").await);
        let org = found(&ada, "Acme").await;
        add(&ada, &org, &bob, "admin").await;
        bob.switch_org(&org).await;
        adding(&ada, &org, "guest@x.test", "member").await.expect(202);
        let token = app.mails().pop().and_then(|mail| mail.token()).expect("a token");
        let path = format!("/api/v1/org/{org}");

        for without in ["", "?confirm=false"] {
            ada.delete(&format!("{path}{without}")).await.problem(400, "confirm_required");
        }
        let wrong = ada.delete(&format!("{path}?confirm=yes")).await;
        assert!([400, 422].contains(&wrong.status), "{}", wrong.text());
        let confirmed = format!("{path}?confirm=true");
        bob.delete(&confirmed).await.problem(403, "forbidden");
        eve.delete(&confirmed).await.problem(404, "not_found");
        app.clock.advance(Duration::from_secs(301));
        ada.delete(&confirmed).await.problem(401, "insufficient_user_authentication");
        assert_eq!(ada.get(&path).await.expect(200)["status"], "active");

        ada.sign_in().await;
        ada.switch_org(&org).await;
        let deleted = ada.delete(&confirmed).await;
        deleted.expect(200);
        // The owner's own session goes on, nowhere; the others' have ended.
        assert!(ada.me().await["org_id"].is_null());
        for instance in [&app, &sibling] {
            choose(&bob.at(instance)).await.problem(401, "unauthenticated");
            ada.at(instance).get(&path).await.problem(404, "not_found");
            ada.at(instance).get("/api/v1/org/info").await.problem(404, "not_found");
        }
        assert_eq!(ada.get("/api/v1/org/my-orgs").await.header("x-total-count"), Some("0"));
        ada.delete(&confirmed).await.problem(404, "not_found");
        adding(&ada, &org, "late@x.test", "member").await.problem(404, "not_found");
        let guest = app.user("guest@x.test").await;
        guest
            .post("/api/v1/org/invitations/accept")
            .json(&serde_json::json!({ "token": token }))
            .await
            .problem(404, "not_found");
        bob.sign_in().await;
        assert!(bob.me().await["org_id"].is_null());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_may_end_any_and_what_was_deleted_stays_so() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let org = ada.me().await["org_id"].as_str().expect("an id").to_owned();
        let admin = app.admin().await;
        admin.delete(&format!("/api/v1/org/{org}")).await.problem(400, "confirm_required");
        admin.delete(&format!("/api/v1/org/{org}?confirm=true")).await.expect(200);
        choose(&ada).await.problem(401, "unauthenticated");
        let status = serde_json::json!({ "status": "active" });
        admin.put(&format!("/api/v1/org/{org}/status")).json(&status).await.problem(404, "not_found");
        let listed = admin.get("/api/v1/org/organizations?search=Acme").await.expect(200);
        assert_eq!(listed["total"], 0);
        let deleted = admin.get("/api/v1/org/organizations?search=Acme&status=deleted").await.expect(200);
        assert_eq!(deleted["organizations"][0]["id"], serde_json::json!(org));
    })
    .await;
}
