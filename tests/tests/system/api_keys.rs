//! Keys of services: shown once, limited to their scopes and their tenant, dead when they are revoked, and nowhere in clear.

mod acting;
mod hidden;

use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta};
use kernel::{Clock, Timestamp};
use serde_json::{Value, json};
use testkit::{Answer, TestApp};

use crate::rig::party::{add, found};
use crate::rig::service::Service;
use crate::rig::tables::trail;
use crate::rig::{at_once, tally, until};

const KEYS: &str = "/api/v1/api-keys";
const TRACK: &str = "/api/v1/usage/track";
const CHECK: &str = "/api/v1/check-tier?service=chat";
const SCOPES: [&str; 3] = ["usage:write", "entitlements:read", "act_as"];

fn at(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// What a refusal says, without what differs from one request to the next.
fn missing(answer: &Answer) -> Value {
    let mut body = answer.problem(404, "not_found");
    body.as_object_mut().expect("an object").retain(|field, _| !["request_id", "instance"].contains(&field.as_str()));
    body
}

fn named(list: &Value) -> Vec<&str> {
    list["api_keys"].as_array().expect("keys").iter().filter_map(|key| key["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_shown_once() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let body = json!({ "name": "LLM gateway", "scopes": ["act_as", "usage:write"] });
        let create = || ada.post(KEYS).header("Idempotency-Key", "once").json(&body);
        let made = create().await.expect(201);
        let key = made["key"].as_str().expect("the key");
        assert!(key.starts_with("oc_") && key.len() == 52, "{key}");
        assert!(made["id"].as_str().is_some_and(|id| id.starts_with("apk_")), "{made}");
        assert_eq!(made["key_preview"], key[48..]);
        assert_eq!((&made["scopes"], &made["platform"]), (&json!(["usage:write", "act_as"]), &json!(false)));

        // Not even to whoever repeats the request.
        let again = create().await;
        let hidden = again.expect(201);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!((&hidden["id"], &hidden["key"]), (&made["id"], &Value::Null));
        for path in [KEYS, "/api/v1/account/uc-api-keys"] {
            let listed = ada.get(path).await;
            let list = listed.expect(200);
            assert_eq!(named(&list), ["LLM gateway"]);
            assert!(list["api_keys"][0].get("key").is_none(), "{list}");
            assert!(!listed.text().contains(&key[3..46]), "{}", listed.text());
            assert_eq!(
                (&list["api_keys"][0]["status"], &list["api_keys"][0]["last_used"]),
                (&json!("active"), &Value::Null)
            );
        }
        Service::with(&app.base, key).post(TRACK).json(&json!({ "service": "chat" })).await.expect(200);
        let created = trail(&app, "auth.api_key.created").await;
        assert_eq!(created.len(), 1, "{created:?}");
        assert_eq!(json!(created[0][1]), made["id"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_key_is_named() {
    let app = TestApp::new().await;
    let ada = app.owner("ada@x.test", "Acme").await;
    let later = |by: TimeDelta| json!(at(app.clock.now() + by));
    for (field, value, pointer) in [
        ("name", json!(""), "/name"),
        ("name", json!("x".repeat(101)), "/name"),
        ("scopes", json!([]), "/scopes"),
        ("scopes", json!(["usage:write", "root"]), "/scopes/1"),
        ("scopes", json!(["admin:read"]), "/scopes"),
        ("expires_at", json!("tomorrow"), "/expires_at"),
        ("expires_at", later(TimeDelta::seconds(-1)), "/expires_at"),
        ("expires_at", later(TimeDelta::days(5 * 366)), "/expires_at"),
        ("org_id", json!("org_1"), "/org_id"),
        ("key", json!("oc_mine"), "/key"),
    ] {
        let mut body = json!({ "name": "good", "scopes": ["usage:write"] });
        body[field] = value;
        let refused = ada.post(KEYS).json(&body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    assert_eq!(named(&ada.get(KEYS).await.expect(200)).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_does_what_its_scopes_say_and_nothing_that_people_do() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let event = json!({ "service": "chat" });
        for scope in ["usage:write", "entitlements:read", "byok:resolve", "act_as"] {
            let service = Service::of(&ada, &org, &[scope]).await;
            let (track, check) = (service.track(&event).await, service.get(CHECK).await);
            let decide = service.post("/api/v1/decide").json(&event).await;
            let ok = |needs: &str| if scope == needs { 200 } else { 403 };
            assert_eq!(track.status, ok("usage:write"), "{scope}: {}", track.text());
            assert_eq!(check.status, ok("entitlements:read"), "{scope}: {}", check.text());
            assert_eq!(decide.status, ok("entitlements:read"), "{scope}: {}", decide.text());
            for refused in [track, check, decide].iter().filter(|answer| answer.status == 403) {
                refused.problem(403, "insufficient_scope");
                let challenge = refused.header("www-authenticate").expect("a challenge");
                assert!(challenge.contains("insufficient_scope") && challenge.contains("scope="), "{challenge}");
            }
        }

        // What only people do, no key does.
        let all = Service::of(&ada, &org, &["usage:write", "entitlements:read", "byok:resolve", "act_as"]).await;
        for path in ["/api/v1/auth/me", "/api/v1/org/info", "/api/v1/usage/current", KEYS, "/api/v1/auth/sessions"] {
            all.get(path).await.problem(403, "session_required");
        }
        all.post(KEYS).json(&json!({ "name": "more", "scopes": ["act_as"] })).await.problem(403, "session_required");
        all.delete(&format!("{KEYS}/{}", all.id)).await.problem(403, "session_required");
        all.post("/api/v1/org").json(&json!({ "name": "Mine" })).await.problem(403, "session_required");

        // Either header does; a wrong key is refused whatever stands beside it; what is no key of ours is passed over.
        let stranger = app.visitor();
        stranger.get(CHECK).header("X-API-Key", &all.key).await.expect(200);
        stranger.get(CHECK).await.problem(401, "unauthenticated");
        let wrong = format!("oc_{}", "A".repeat(49));
        ada.get("/api/v1/auth/me").header("X-API-Key", &wrong).await.problem(401, "invalid_api_key");
        let guesses = trail(&app, "auth.api_key.refused").await;
        assert_eq!(guesses.len(), 1, "a guess is in the trail: {guesses:?}");
        assert!(!guesses[0].concat().contains("AAAA"), "and what was guessed is not: {guesses:?}");
        let both =
            stranger.get(CHECK).header("X-API-Key", &all.key).header("Authorization", &format!("Bearer {wrong}"));
        both.await.problem(401, "invalid_api_key");
        ada.get("/api/v1/auth/me").header("Authorization", "Bearer eyJhbGciOiJub25lIn0").await.expect(200);
        stranger.get(CHECK).header("Authorization", "Bearer eyJhbGciOiJub25lIn0").await.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_dead_within_a_second_on_both_instances() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let (lives, dies) = (Service::of(&ada, &org, &SCOPES).await, Service::of(&ada, &org, &SCOPES).await);
        let there = dies.at(&sibling.base);
        for service in [&dies, &there] {
            service.get(CHECK).await.expect(200);
        }
        let path = format!("{KEYS}/{}", dies.id);
        ada.delete(&path).await.expect(200);
        let revoked = Instant::now();
        dies.get(CHECK).await.problem(401, "invalid_api_key");
        let dead = async || there.get(CHECK).await.status == 401;
        until(Duration::from_secs(1), "the other instance knows", dead).await;
        there.post(TRACK).json(&json!({ "service": "chat" })).await.problem(401, "invalid_api_key");
        assert!(revoked.elapsed() < Duration::from_secs(2), "{:?}", revoked.elapsed());
        ada.delete(&path).await.problem(404, "not_found");
        let left = ada.get(KEYS).await.expect(200);
        assert_eq!(left["api_keys"].as_array().map(Vec::len), Some(1));
        assert_eq!(left["api_keys"][0]["id"], json!(lives.id));
        lives.at(&sibling.base).get(CHECK).await.expect(200);
        assert_eq!(trail(&app, "auth.api_key.revoked").await.len(), 1);

        // With its organization, too; and it lives again with it.
        let admin = app.admin().await;
        let status = format!("/api/v1/org/{org}/status");
        admin.put(&status).json(&json!({ "status": "suspended" })).await.expect(200);
        for base in [&app.base, &sibling.base] {
            let dead = async || lives.at(base).get(CHECK).await.status == 401;
            until(Duration::from_secs(1), "the keys of a suspended organization are dead", dead).await;
        }
        admin.put(&status).json(&json!({ "status": "active" })).await.expect(200);
        let alive = async || lives.at(&sibling.base).get(CHECK).await.status == 200;
        until(Duration::from_secs(2), "it lives again", alive).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_dies_when_it_was_said_to() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let end = at(app.clock.now() + TimeDelta::hours(1));
        let body = json!({ "name": "short", "scopes": SCOPES, "expires_at": end });
        let service = Service::made(&ada, &org, &body).await;
        app.clock.advance(Duration::from_mins(59));
        service.get(CHECK).await.expect(200);
        app.clock.advance(Duration::from_mins(1));
        service.get(CHECK).await.problem(401, "invalid_api_key");
        ada.sign_in().await;
        let list = ada.get(&format!("{KEYS}?org_id={org}")).await.expect(200);
        assert_eq!(
            (&list["api_keys"][0]["status"], &list["api_keys"][0]["expires_at"]),
            (&json!("expired"), &json!(end))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_moves_at_most_once_a_minute() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let service = Service::of(&ada, &org, &SCOPES).await;
        let last_used = async || ada.get(KEYS).await.expect(200)["api_keys"][0]["last_used"].clone();
        assert_eq!(last_used().await, Value::Null);
        service.get(CHECK).await.expect(200);
        // It is noted beside the answer.
        let noted = async || !last_used().await.is_null();
        until(Duration::from_secs(2), "the use is noted", noted).await;
        let first = last_used().await;
        app.clock.advance(Duration::from_secs(30));
        service.get(CHECK).await.expect(200);
        app.clock.advance(Duration::from_secs(40));
        service.get(CHECK).await.expect(200);
        let moved = async || last_used().await != first;
        until(Duration::from_secs(2), "the later use is noted", moved).await;
        let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok()).expect("a time");
        let step = time(&last_used().await) - time(&first);
        assert!(step >= TimeDelta::seconds(60), "the use half a minute later was not: {step}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_has_fifty_keys_at_most_however_many_are_asked_for_at_once() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.owner("ada@x.test", "Acme").await;
        let there = ada.at(&sibling);
        let body = json!({ "name": "one of many", "scopes": ["act_as"] });
        let answers =
            at_once((0..60).map(|number| if number % 2 == 0 { &ada } else { &there }.post(KEYS).json(&body))).await;
        assert_eq!(tally(&answers), [(201, 50), (409, 10)]);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.problem(409, "too_many_keys");
        }
        assert_eq!(named(&ada.get(KEYS).await.expect(200)).len(), 50);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_manage_keys_sees_and_changes_none() {
    TestApp::each(|app| async move {
        let (ada, eve) = (app.user("ada@x.test").await, app.owner("eve@x.test", "Evil").await);
        let (bob, cleo) = (app.user("bob@x.test").await, app.user("cleo@x.test").await);
        let org = found(&ada, "Acme").await;
        add(&ada, &org, &bob, "member").await;
        add(&ada, &org, &cleo, "admin").await;
        let keys = format!("{KEYS}?org_id={org}");
        let body = json!({ "name": "mine", "scopes": ["usage:write"] });
        let made = cleo.post(&keys).json(&body).await.expect(201);
        let one = |id: &str| format!("{KEYS}/{id}?org_id={org}");
        let id = made["id"].as_str().expect("an id");

        bob.get(&keys).await.problem(403, "forbidden");
        bob.post(&keys).json(&body).await.problem(403, "forbidden");
        bob.delete(&one(id)).await.problem(403, "forbidden");
        app.visitor().get(&keys).await.problem(401, "unauthenticated");

        // For everybody else neither the organization nor its keys exist, in whichever organization they look.
        let nobodys = "apk_01890a5d-ac96-774b-bcce-b302099a8057";
        eve.get(&keys).await.problem(404, "not_found");
        eve.post(&keys).json(&body).await.problem(404, "not_found");
        for (theirs, nothing) in [(one(id), one(nobodys)), (format!("{KEYS}/{id}"), format!("{KEYS}/{nobodys}"))] {
            assert_eq!(missing(&eve.delete(&theirs).await), missing(&eve.delete(&nothing).await));
        }
        assert_eq!(eve.get(KEYS).await.expect(200)["api_keys"], json!([]));
        Service::with(&app.base, made["key"].as_str().expect("a key"))
            .track(&json!({ "service": "chat" }))
            .await
            .expect(200);
    })
    .await;
}
