//! S7, S8, FLT-3, TR6: Redis that does not answer is an outage. It is not "nobody is signed in", and nothing is done half.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Backend, Request, TestApp, TestUser};

use crate::rig::cookie::{choose, holder};
use crate::rig::redis::Redis;
use crate::rig::{at_once, until};

/// How long an answer may take while Redis does not.
const PATIENCE: Duration = Duration::from_secs(2);
/// How soon everything works again.
const HEALING: Duration = Duration::from_secs(2);

fn sign_in(user: &TestUser) -> Request {
    let credentials = json!({ "username": user.email, "password": user.password });
    user.post("/api/v1/auth/login").without_csrf().json(&credentials)
}

/// 503 in time, with a word on when to come again, and the browser keeps what it has.
fn is_an_outage(answer: &Answer) {
    answer.problem(503, "unavailable");
    assert!(answer.header("retry-after").is_some(), "{}", answer.of);
    assert!(answer.set_cookies().is_empty(), "{}: {:?}", answer.of, answer.set_cookies());
    assert_eq!(answer.header("clear-site-data"), None, "{}", answer.of);
}

/// What everybody gets while Redis is away.
async fn during(app: &TestApp, ada: &TestUser) {
    let newcomer = ada.in_new_browser();
    let requests = [
        ada.get("/api/v1/auth/me"),
        ada.get("/api/v1/auth/session"),
        ada.get("/api/v1/org/my-orgs"),
        ada.get("/auth/check"),
        choose(ada),
        ada.put("/api/v1/auth/profile").json(&json!({ "bio": "written during the outage" })),
        sign_in(&newcomer),
        sign_in(ada),
        ada.delete("/api/v1/auth/sessions/all"),
        ada.post("/api/v1/auth/logout"),
    ];
    let began = Instant::now();
    let answers = at_once(requests).await;
    assert!(began.elapsed() < PATIENCE, "took {:?}", began.elapsed());
    answers.iter().for_each(is_an_outage);
    assert_eq!(newcomer.cookie("ops_session"), None);
    // Who brings no cookie is nobody, whatever Redis says; and the process lives.
    app.visitor().get("/api/v1/auth/me").await.problem(401, "unauthenticated");
    assert_eq!(app.visitor().get("/livez").await.status, 200);
    let ready = async || app.visitor().get("/readyz").await.status == 503;
    until(Duration::from_secs(3), "/readyz says so", ready).await;
}

async fn on(backend: Backend, redis: &Redis) -> TestApp {
    let url = redis.url();
    TestApp::builder().backend(backend).config(|config| config.redis.url = Some(url.into())).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_is_an_outage_and_heals() {
    let Some(redis) = Redis::start().await else { return };
    for backend in [Backend::SqliteRedis, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there()) {
        let app = on(backend, &redis).await;
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let cookie = ada.cookie("ops_session").expect("a session");
        redis.freeze();
        during(&app, &ada).await;
        assert_eq!(ada.cookie("ops_session").as_deref(), Some(cookie.as_str()));
        redis.thaw();
        until(HEALING, "sessions work again", async || bob.get("/api/v1/auth/me").await.status == 200).await;
        // What was asked for during the outage may have happened or not; asked for again it has.
        let out = ada.post("/api/v1/auth/logout").await;
        assert!([200, 401].contains(&out.status), "{}", out.text());
        choose(&holder(&app.base, &cookie)).await.problem(401, "unauthenticated");
        ada.sign_in().await;
        assert_ne!(ada.get("/api/v1/auth/profile").await.expect(200)["bio"], "written during the outage");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_gone_is_an_outage_and_heals() {
    let Some(mut redis) = Redis::start().await else { return };
    for backend in [Backend::SqliteRedis, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there()) {
        let app = on(backend, &redis).await;
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        redis.kill();
        during(&app, &ada).await;
        redis.again().await;
        // It came back empty: who was signed in is not any more, and is told so only now.
        until(HEALING, "sign-ins work again", async || sign_in(&bob).await.status == 200).await;
        ada.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        choose(&bob).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_that_failed_can_be_repeated() {
    let Some(redis) = Redis::start().await else { return };
    let app = on(Backend::SqliteRedis, &redis).await;
    let ada = app.user("ada@x.test").await;
    let cookie = ada.cookie("ops_session").expect("a session");
    redis.freeze();
    is_an_outage(&ada.post("/api/v1/auth/logout").await);
    redis.thaw();
    let done = async || [200, 401].contains(&ada.post("/api/v1/auth/logout").await.status);
    until(HEALING, "the sign-out works", done).await;
    choose(&holder(&app.base, &cookie)).await.problem(401, "unauthenticated");
    holder(&app.base, &cookie).get("/api/v1/auth/me").await.problem(401, "unauthenticated");
}
