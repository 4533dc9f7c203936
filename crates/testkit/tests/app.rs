//! The kit itself: a test that stands on it must be able to rely on it.

use std::time::Duration;

use serde_json::json;
use testkit::{Backend, TestApp};

#[tokio::test]
async fn one_body_runs_on_every_backend() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let invitation = json!({ "email": "bob@x.test", "role": "member" });
        ada.post("/api/v1/org/members").json(&invitation).await.expect(202);
        let mails = app.mails();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, "bob@x.test"));

        let bob = app.user("bob@x.test").await;
        let org = bob.accept_invitation(&app).await;
        assert_eq!(bob.me().await["org_id"], org);
        assert_eq!(bob.me().await["org_id"], ada.me().await["org_id"]);

        ada.sign_out().await;
        ada.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        bob.get("/api/v1/auth/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_sibling_shares_database_sessions_and_time() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        assert_ne!(app.base, sibling.base);
        let ada = app.user("ada@x.test").await;
        assert_eq!(ada.at(&sibling).me().await["id"], ada.id.to_string());
        app.clock.advance(app.config.session.idle + Duration::from_secs(1));
        ada.at(&sibling).get("/api/v1/auth/me").await.expect(401);
        // The database outlives the app that made it.
        drop(app);
        assert_eq!(sibling.admin().await.me().await["is_admin"], true);
    })
    .await;
}

#[tokio::test]
async fn clients_do_not_slow_each_other_down() {
    let app = TestApp::new().await;
    for number in 0..20 {
        let wrong = json!({ "username": format!("nobody{number}"), "password": "a wrong password" });
        app.visitor().post("/api/v1/auth/login").json(&wrong).await.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_configuration_is_changed_before_the_start() {
    let app = TestApp::builder().config(|c| c.session.idle = Duration::from_secs(2)).start().await;
    assert_eq!(app.backend, Backend::Sqlite);
    let ada = app.user("ada@x.test").await;
    app.clock.advance(Duration::from_secs(3));
    ada.get("/api/v1/auth/me").await.expect(401);
    ada.sign_in().await;
    ada.me().await;
    let refused = TestApp::builder().config(|c| c.database.url = Some("mysql://x".into())).try_start().await;
    assert!(refused.err().unwrap().to_string().contains("sqlite:"));
}

#[tokio::test]
async fn an_unsafe_request_carries_the_csrf_token_unless_it_is_told_not_to() {
    let app = TestApp::new().await;
    let ada = app.user("ada@x.test").await;
    let body = json!({ "name": "Acme" });
    ada.post("/api/v1/org").without_csrf().json(&body).await.problem(403, "csrf_failed");
    ada.post("/api/v1/org").anonymous().json(&body).await.problem(401, "unauthenticated");
    ada.post("/api/v1/org").json(&body).await.expect(201);
    let told = ada.get("/api/v1/auth/session").await.expect(200);
    assert_eq!(told["csrf_token"].as_str(), ada.csrf().as_deref());
}

#[tokio::test]
async fn many_apps_come_and_go() {
    for _ in 0..5 {
        let app = TestApp::new().await;
        let folder = app.data_dir();
        assert_eq!(app.visitor().get("/readyz").await.status, 200);
        assert!(folder.join("ops-center.db").exists());
        app.stop(true).await;
        assert!(!folder.exists());
    }
}
