//! X6: sessions and CSRF tokens outlive the process.

use serde_json::json;
use testkit::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_signs_nobody_out_and_instances_agree() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let csrf = ada.csrf().expect("a token");
        let before = ada.get("/api/v1/auth/session").await.expect(200);
        let second = app.sibling().await;
        app.stop(true).await;
        let third = second.sibling().await;
        for instance in [&second, &third] {
            let there = ada.at(instance);
            let state = there.get("/api/v1/auth/session").await.expect(200);
            for key in ["token", "csrf_token", "expires_at"] {
                assert_eq!(state[key], before[key], "{key}");
            }
            assert_eq!(state["user"], before["user"]);
            let change = there.put("/api/v1/auth/notifications").without_csrf().header("X-CSRF-Token", &csrf);
            change.json(&json!({})).await.expect(200);
        }
    })
    .await;
}
