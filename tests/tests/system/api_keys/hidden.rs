//! KEY-6 and LOG-1 for the keys of services: in no store, in no log, and not to be guessed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use testkit::{Backend, Client, TestApp};

use super::{CHECK, KEYS, SCOPES};
use crate::rig::process::{Server, Site, sign_in};
use crate::rig::redis::{Redis, everything};
use crate::rig::service::{Service, crowd};
use crate::rig::tables;

/// Whether these bytes are among those.
fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

/// The key's text, its secret part, and its secret's bytes, raw and in hex.
fn forms(key: &str) -> Vec<Vec<u8>> {
    let raw = URL_SAFE_NO_PAD.decode(&key[3..46]).expect("base64");
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![key.as_bytes().to_vec(), key.as_bytes()[3..46].to_vec(), raw, hex.into_bytes()]
}

/// Makes and uses a key in every way that leaves something behind.
async fn live(ada: &Client, org: &str) -> Service {
    let body = json!({ "name": "canary", "scopes": SCOPES });
    let made =
        ada.post(&format!("{KEYS}?org_id={org}")).header("Idempotency-Key", "canary").json(&body).await.expect(201);
    let service = Service::with(ada.base(), made["key"].as_str().expect("a key"));
    service.call("canary").header("Idempotency-Key", "canary-call").await.expect(200);
    service.call("canary").header("X-API-Key", &service.key).await.expect(200);
    service.get(CHECK).await.expect(200);
    service.get("/api/v1/auth/me").await.problem(403, "session_required");
    let decide = service.post("/api/v1/decide").header("Idempotency-Key", "canary-decision");
    decide.json(&json!({ "service": "chat", "reserve": true })).await.expect(200);
    ada.get(&format!("{KEYS}?org_id={org}")).await.expect(200);
    ada.delete(&format!("{KEYS}/{}?org_id={org}", made["id"].as_str().expect("an id"))).await.expect(200);
    service.get(CHECK).await.problem(401, "invalid_api_key");
    service
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_store_knows_a_key() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let service = live(&ada, &org).await;
        let mut kept = tables::everything(&app).await;
        if app.backend.has_redis() {
            kept.extend(everything(&testkit::redis_url()).into_bytes());
        }
        assert!(contains(&kept, b"canary"), "the search finds what is there");
        for form in forms(&service.key) {
            assert!(!contains(&kept, &form), "the key {} is kept: {}", service.key, String::from_utf8_lossy(&form));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_at_its_loudest_has_no_piece_of_a_key() {
    let Some(redis) = Redis::start().await else { return };
    let site = Site::on(Backend::SqliteRedis).await.with_redis(redis.url());
    let mut program = site.program(&["--listen", "127.0.0.1:0"]);
    let loudest = "trace,actix_server=trace,sqlx=trace,sea_orm=trace,hyper=trace,rustls=trace,redis=trace";
    program.env("OPS_CENTER__LOG__LEVEL", loudest).env("OPS_CENTER__PLANS__DEFAULT", "enterprise");
    let server = Server::start(&mut program);
    site.account("ada");
    let ada = sign_in(&server.base, "ada").await;
    let made = ada.post("/api/v1/org").json(&json!({ "name": "Acme" })).await.expect(201);
    let service = live(&ada, made["organization"]["id"].as_str().expect("an id")).await;
    let written = server.written();
    assert!(written.len() > 4000, "it was to log loudly: {written}");
    // The last four characters are for people to see.
    let secret = &service.key[3..48];
    for start in 0..=secret.len() - 8 {
        let piece = &secret[start..start + 8];
        assert!(!written.contains(piece), "{piece} of the key {} is in the log", service.key);
    }
}

/// A checksum makes a wrong key cheap to refuse; one with a right checksum costs a look into the store, and patience.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_are_slowed_down_and_a_key_that_exists_never_is() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let service = Service::of(&ada, &org, &SCOPES).await;
        let guesser = app.visitor();
        let guess = |number: usize| {
            let wrong = format!("oc_{number:0>49}");
            guesser.get(CHECK).header("Authorization", &format!("Bearer {wrong}"))
        };
        let answers = crowd(8, (0..40).map(guess).collect()).await;
        let tried = answers.iter().filter(|answer| answer.status == 401).count();
        assert!((5..=6).contains(&tried), "five at once, and one more in twenty seconds: {tried}");
        for answer in &answers {
            if answer.status == 401 {
                answer.problem(401, "invalid_api_key");
            } else {
                answer.problem(429, "too_many_attempts");
                assert!(answer.header("retry-after").is_some());
            }
        }
        // From the same address, and nobody else's.
        let request = guesser.get(CHECK).header("Authorization", &format!("Bearer {}", service.key));
        request.await.expect(200);
        Service::with(&app.base, "oc_mistyped").get(CHECK).await.problem(401, "invalid_api_key");
    })
    .await;
}
