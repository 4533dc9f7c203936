//! S6: no session token in a log, however much is logged and whatever fails.

use serde_json::json;
use testkit::Backend;

use crate::rig::cookie::choose;
use crate::rig::process::{Server, Site, sign_in};
use crate::rig::redis::Redis;

/// Every piece of a token that is long enough to be recognized.
fn pieces(cookie: &str) -> Vec<&str> {
    let (_, secret) = cookie.split_once('.').expect("tag and secret");
    (0..=secret.len() - 8).map(|start| &secret[start..start + 8]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_at_its_loudest_has_no_piece_of_a_token() {
    let Some(mut redis) = Redis::start().await else { return };
    let site = Site::on(Backend::SqliteRedis).await.with_redis(redis.url());
    let mut program = site.program(&["--listen", "127.0.0.1:0"]);
    // Our own libraries' libraries too: the filter that hushes them is overruled by name.
    let loudest = "trace,actix_server=trace,sqlx=trace,sea_orm=trace,hyper=trace,rustls=trace,redis=trace";
    let server = Server::start(program.env("OPS_CENTER__LOG__LEVEL", loudest));
    site.account("ada");
    let ada = sign_in(&server.base, "ada").await;
    let device = ada.cookie("ops_device").expect("a device cookie");
    let first = ada.cookie("ops_session").expect("a session");
    choose(&ada).await.expect(200);
    ada.post("/api/v1/org").json(&json!({ "name": "Acme" })).await.expect(201);
    ada.delete("/api/v1/auth/sessions/others").await.expect(200);
    let second = ada.cookie("ops_session").expect("a session");
    let csrf = ada.csrf().expect("a CSRF token");
    redis.kill();
    ada.get("/api/v1/auth/me").await.problem(503, "unavailable");
    choose(&ada).await.problem(503, "unavailable");
    ada.post("/api/v1/auth/logout").await.problem(503, "unavailable");
    let credentials = json!({ "username": "ada", "password": crate::rig::process::PASSWORD });
    ada.post("/api/v1/auth/login").json(&credentials).await.problem(503, "unavailable");

    let written = server.written();
    assert!(written.len() > 4000, "it was to log loudly: {written}");
    assert!(written.contains("unavailable") || written.contains("503"), "the failure is told: {written}");
    for cookie in [&first, &second] {
        assert!(!written.contains(cookie.as_str()));
        for piece in pieces(cookie) {
            assert!(!written.contains(piece), "{piece} of a session's token is in the log");
        }
    }
    for secret in [device.as_str(), csrf.as_str(), crate::rig::process::PASSWORD] {
        assert!(!written.contains(secret), "a secret is in the log");
    }
}
