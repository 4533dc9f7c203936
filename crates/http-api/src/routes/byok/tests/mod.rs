pub(in crate::routes) mod stage;

use byok_core::{Endpoint, Verdict};
use kernel::{Action, ActorKind, Outcome, Role};
use serde_json::{Value, json};

use self::stage::{CANARY, Stage, Told, Who};
use crate::wire::time;

const ADD: &str = "POST /api/v1/byok/keys/add";
const LIST: &str = "GET /api/v1/byok/keys";
const RESOLVE: &str = "POST /api/v1/byok/resolve";
const SCOPE: &str = "byok:resolve";

async fn add(stage: &Stage, body: Value) -> Told {
    stage.call(stage.owner(), ADD, Some(body)).await
}

/// Stores a key; fails unless that was well.
async fn stored(stage: &Stage, provider: &str) -> Told {
    let told = add(stage, json!({"provider": provider, "key": CANARY})).await;
    assert_eq!(told.status, 200, "{told:?}");
    told
}

/// No part of the key but its last four characters is anywhere in the answer, and nobody keeps it.
fn unkept(told: &Told) {
    let whole = format!("{}{:?}", told.text, told);
    assert!(!whole.contains("canary") && !whole.contains("01234567"), "{whole}");
    assert_eq!(told.header("cache-control"), Some("no-store"), "{whole}");
}

#[actix_web::test]
async fn providers_are_listed_with_what_they_need() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    let told = stage.call(stage.somebody(Role::Member).await, "GET /api/v1/byok/providers", None).await;
    unkept(&told);
    let rows = told.body.as_array().unwrap();
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap().clone();
    let expected = json!({
        "id": "openai", "name": "Openai", "key_format": "sk-…, 20 to 256 characters",
        "docs_url": "https://docs.example.com/openai", "configured": true, "tier_required": "starter",
    });
    assert_eq!((told.status, row("openai"), rows.len()), (200, expected, 5));
    assert_eq!(row("anthropic")["configured"], false);
}

#[actix_web::test]
async fn a_key_is_kept_and_shown_in_part() {
    let stage = Stage::new().await;
    let body = json!({
        "provider": "custom", "key": CANARY, "label": "mine", "endpoint": "https://models.example.com/v1",
    });
    let told = add(&stage, body).await;
    unkept(&told);
    let kept = stage.kept("custom").await.unwrap();
    let expected = json!({
        "message": "the key for Custom is stored", "provider": "custom", "provider_name": "Custom",
        "id": kept.id.to_string(), "key_preview": "****cdef", "warnings": [],
    });
    assert_eq!((told.status, &told.body), (200, &expected));
    let listed = stage.call(stage.somebody(Role::Member).await, LIST, None).await;
    unkept(&listed);
    let expected = json!([{
        "id": kept.id.to_string(), "provider": "custom", "provider_name": "Custom", "key_preview": "****cdef",
        "masked_key": "****cdef", "fingerprint": kept.fingerprint, "label": "mine",
        "endpoint": "https://models.example.com/v1", "added_date": time(stage.now()),
        "created_by": stage.owner.to_string(), "last_tested": null, "test_status": null, "last_used": null,
        "status": "active",
    }]);
    assert_eq!((listed.status, &listed.body), (200, &expected));
}

#[actix_web::test]
async fn another_key_takes_the_place_of_the_first() {
    let stage = Stage::new().await;
    let first = stored(&stage, "openai").await;
    let other = json!({"provider": "openai", "key": "canary-without-its-usual-beginning"});
    let second = add(&stage, other).await;
    assert_eq!((second.status, &second.body["id"]), (200, &first.body["id"]));
    assert_eq!(second.body["warnings"].as_array().map(Vec::len), Some(1), "it is unusual, and kept");
    unkept(&second);
    assert_eq!(stage.call(stage.owner(), LIST, None).await.body.as_array().map(Vec::len), Some(1));
    let short = add(&stage, json!({"provider": "cohere", "key": "canary-0123456789"})).await;
    assert_eq!((short.status, &short.body["key_preview"]), (200, &json!("****")), "nothing of a short key is shown");
}

#[actix_web::test]
async fn what_cannot_be_kept_is_refused_and_not_repeated() {
    let stage = Stage::new().await;
    stage.probe.forbid(&Endpoint::parse("https://canary.internal").unwrap());
    for (body, code, pointer) in [
        (json!({"provider": "sk-canary", "key": CANARY}), "unknown_provider", "/provider"),
        (json!({"provider": "openai", "key": "sk-canary"}), "key_format", "/key"),
        (json!({"provider": "openai", "key": "sk-canary-0123"}), "key_format", "/key"),
        (json!({"provider": "openai", "key": format!("{CANARY}\r\n")}), "key_format", "/key"),
        (json!({"provider": "custom", "key": CANARY}), "invalid_request", "/endpoint"),
        (
            json!({"provider": "custom", "key": CANARY, "endpoint": "https://canary.internal"}),
            "endpoint_forbidden",
            "/endpoint",
        ),
        (
            json!({"provider": "custom", "key": CANARY, "endpoint": "gopher://canary"}),
            "endpoint_forbidden",
            "/endpoint",
        ),
        (
            json!({"provider": "openai", "key": CANARY, "endpoint": "https://canary.example"}),
            "endpoint_forbidden",
            "/endpoint",
        ),
        (json!({"provider": "openai", "key": {"canary": 1}}), "invalid_request", "/key"),
    ] {
        let told = add(&stage, body.clone()).await;
        assert_eq!((told.code(), &told.body["errors"][0]["pointer"]), ((422, code), &json!(pointer)), "{told:?}");
        assert!(!told.text.contains("canary"), "{}", told.text);
    }
    let huge = format!("{{\"provider\":\"openai\",\"key\":\"{}\"}}", "x".repeat(64 * 1024));
    assert_eq!(stage.send(stage.owner(), ADD, &[], huge).await.code(), (413, "payload_too_large"));
    assert_eq!(stage.call(stage.owner(), LIST, None).await.body, json!([]));
}

#[actix_web::test]
async fn who_manages_keys_and_who_sees_them() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    let (one, key) = ("/api/v1/byok/keys", json!({"provider": "cohere", "key": CANARY}));
    let (test, delete) = ("POST /api/v1/byok/keys/test/openai", "DELETE /api/v1/byok/keys/openai");
    let member = stage.somebody(Role::Member).await;
    for (operation, body) in [(ADD, Some(key.clone())), (test, None), (delete, None)] {
        assert_eq!(stage.call(member, operation, body.clone()).await.code(), (403, "forbidden"), "{operation}");
        assert_eq!(stage.call(Who::Nobody, operation, body.clone()).await.code(), (401, "unauthenticated"));
        let service = Who::Key(stage.org, SCOPE);
        assert_eq!(stage.call(service, operation, body).await.code(), (403, "session_required"), "{operation}");
    }
    for path in ["providers", "keys", "stats"] {
        let operation = format!("GET /api/v1/byok/{path}");
        assert_eq!(stage.call(member, &operation, None).await.status, 200, "{operation}");
        assert_eq!(stage.call(Who::Nobody, &operation, None).await.code(), (401, "unauthenticated"));
    }
    let (_, stranger) = stage.found("eve").await;
    let foreign = format!("GET {one}?org_id={}", stage.org);
    let outside = Who::Person(stranger, stage.org);
    assert_eq!(stage.call(outside, &foreign, None).await.code(), (404, "not_found"));
    assert_eq!(stage.call(outside, delete, None).await.code(), (404, "not_found"));
    assert_eq!(stage.call(stage.somebody(Role::Admin).await, ADD, Some(key)).await.status, 200);
}

#[actix_web::test]
async fn a_deleted_key_is_gone() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    stage.plans.give(stage.org, false);
    let told = stage.call(stage.owner(), "DELETE /api/v1/byok/keys/openai", None).await;
    unkept(&told);
    let expected = json!({"message": "the key is destroyed", "provider": "openai", "success": true});
    assert_eq!((told.status, &told.body), (200, &expected), "whatever the plan is");
    for provider in ["openai", "nobody", "NO%20ID", "%00"] {
        let operation = format!("DELETE /api/v1/byok/keys/{provider}");
        assert_eq!(stage.call(stage.owner(), &operation, None).await.code(), (404, "not_found"), "{provider}");
    }
}

#[actix_web::test]
async fn a_test_says_what_it_found_out() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    let test = "POST /api/v1/byok/keys/test/openai";
    for (verdict, status_code, status) in [
        (Verdict::Valid, Some(200), "active"),
        (Verdict::Invalid, Some(401), "rejected"),
        (Verdict::Unknown, Some(429), "rejected"),
        (Verdict::Error, None, "rejected"),
        (Verdict::Valid, Some(200), "active"),
    ] {
        stage.probe.say([(verdict, status_code)]);
        let told = stage.call(stage.owner(), test, None).await;
        unkept(&told);
        let expected = json!({
            "provider": "openai", "provider_name": "Openai", "status": verdict.as_str(),
            "success": verdict == Verdict::Valid, "message": told.body["message"],
            "details": {"status_code": status_code}, "latency_ms": 1,
        });
        assert_eq!((told.status, &told.body), (200, &expected));
        let listed = stage.call(stage.owner(), LIST, None).await.body;
        assert_eq!((&listed[0]["test_status"], &listed[0]["status"]), (&json!(verdict.as_str()), &json!(status)));
        assert_eq!(listed[0]["last_tested"], time(stage.now()));
    }
    assert_eq!(stage.probe.probed().len(), 5);
    let none = stage.call(stage.owner(), "POST /api/v1/byok/keys/test/cohere", None).await;
    assert_eq!(none.code(), (404, "not_found"));
}

#[actix_web::test]
async fn stats_count_what_is_there() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    stored(&stage, "cohere").await;
    stored(&stage, "anthropic").await;
    stage.probe.say([(Verdict::Invalid, Some(401))]);
    for provider in ["openai", "cohere"] {
        stage.call(stage.owner(), &format!("POST /api/v1/byok/keys/test/{provider}"), None).await;
    }
    let told = stage.call(stage.owner(), "GET /api/v1/byok/stats", None).await;
    unkept(&told);
    let expected = json!({
        "total_providers": 5, "configured_providers": 3, "tested_providers": 2, "valid_providers": 1,
        "user_tier": "starter",
    });
    assert_eq!((told.status, told.body), (200, expected));
}

#[actix_web::test]
async fn without_a_plan_keys_are_shown_and_neither_kept_nor_used() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    stage.plans.give(stage.org, false);
    let key = json!({"provider": "cohere", "key": CANARY});
    let wanted = json!({"org_id": stage.org.to_string(), "provider": "openai"});
    for (by, operation, body) in [
        (stage.owner(), ADD, Some(key)),
        (stage.owner(), "POST /api/v1/byok/keys/test/openai", None),
        (Who::Key(stage.org, SCOPE), RESOLVE, Some(wanted)),
    ] {
        let told = stage.call(by, operation, body).await;
        assert_eq!(told.code(), (403, "upgrade_required"), "{operation}");
        assert_eq!(told.body["upgrade_url"], "https://ops.example.com/upgrade");
        assert_eq!((&told.body["current_tier"], &told.body["required_tier"]), (&json!("free"), &json!("starter")));
    }
    assert_eq!(stage.probe.probed(), []);
    assert_eq!(stage.call(stage.owner(), LIST, None).await.body[0]["status"], "disabled");
    assert_eq!(stage.call(stage.owner(), "GET /api/v1/byok/stats", None).await.body["user_tier"], "free");
}

#[actix_web::test]
async fn a_service_is_given_the_key_and_it_is_in_the_trail() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    let (elsewhere, _) = stage.found("eve").await;
    let wanted = json!({"org_id": stage.org.to_string(), "provider": "openai"});
    for by in [Who::Key(stage.org, SCOPE), Who::PlatformKey(elsewhere, SCOPE)] {
        let told = stage.call(by, RESOLVE, Some(wanted.clone())).await;
        let expected = json!({"provider": "openai", "key": CANARY, "endpoint": "https://api.openai.com/v1"});
        assert_eq!((told.status, &told.body), (200, &expected));
        assert_eq!((told.header("cache-control"), told.header("pragma")), (Some("no-store"), None));
    }
    let records = stage.keys.records();
    let handed = records.iter().filter(|record| record.action == Action::ProviderKeyResolved);
    let by_service = |kind: &ActorKind| matches!(kind, ActorKind::Service(_));
    let all: Vec<_> = handed.map(|record| (record.org, record.outcome, by_service(&record.actor.kind))).collect();
    assert_eq!(all, [(Some(stage.org), Outcome::Success, true); 2]);
    assert_eq!(stage.call(stage.owner(), LIST, None).await.body[0]["last_used"], time(stage.now()));
}

#[actix_web::test]
async fn who_is_given_no_key() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    let (elsewhere, _) = stage.found("eve").await;
    let wanted = |org: &str, provider: &str| Some(json!({"org_id": org, "provider": provider}));
    let mine = stage.org.to_string();
    let key = Who::Key(stage.org, SCOPE);
    for (by, status, code) in [
        (Who::Nobody, 401, "unauthenticated"),
        (stage.owner(), 403, "api_key_required"),
        (Who::Key(stage.org, "entitlements:read usage:write act_as"), 403, "insufficient_scope"),
        (Who::Key(elsewhere, SCOPE), 404, "not_found"),
    ] {
        assert_eq!(stage.call(by, RESOLVE, wanted(&mine, "openai")).await.code(), (status, code));
    }
    let unknown = kernel::OrgId::mint(&kernel::Ambient::system()).to_string();
    let foreign = stage.call(key, RESOLVE, wanted(&elsewhere.to_string(), "openai")).await;
    for body in
        [wanted(&unknown, "openai"), wanted("org_x", "openai"), wanted(&mine, "cohere"), wanted(&mine, "nobody")]
    {
        let told = stage.call(key, RESOLVE, body).await;
        assert_eq!((told.status, &told.text), (404, &foreign.text), "told apart by nothing");
    }
    assert_eq!(stage.call(key, RESOLVE, wanted(&mine, "No Id")).await.code(), (422, "invalid_request"));
    let lone = stage.call(key, RESOLVE, Some(json!({"provider": "openai"}))).await;
    assert_eq!((lone.code(), &lone.body["errors"][0]["pointer"]), ((422, "invalid_request"), &json!("/org_id")));
    assert!(stage.keys.records().iter().all(|record| record.action != Action::ProviderKeyResolved));
}

#[actix_web::test]
async fn a_key_that_does_not_open_says_only_that_it_must_be_stored_again() {
    let stage = Stage::new().await;
    stored(&stage, "openai").await;
    stored(&stage, "cohere").await;
    stage.keys.tamper(stage.org, &"openai".parse().unwrap(), |key| key.version += 1);
    let listed = stage.call(stage.owner(), LIST, None).await.body;
    assert_eq!((&listed[0]["status"], &listed[1]["status"]), (&json!("active"), &json!("undecryptable")));
    let wanted = json!({"org_id": stage.org.to_string(), "provider": "openai"});
    for (by, operation, body) in [
        (Who::Key(stage.org, SCOPE), RESOLVE, Some(wanted.clone())),
        (stage.owner(), "POST /api/v1/byok/keys/test/openai", None),
    ] {
        let told = stage.call(by, operation, body).await;
        assert_eq!(told.code(), (409, "key_undecryptable"), "{operation}");
        assert_eq!(told.body["detail"], "this key cannot be used any more; store it again");
    }
    let last = stage.keys.records().into_iter().rfind(|record| record.action == Action::ProviderKeyResolved);
    assert_eq!(last.map(|record| record.outcome), Some(Outcome::Failure));
    stage.keys.tamper(stage.org, &"cohere".parse().unwrap(), |key| {
        key.endpoint = Some(Endpoint::parse("https://sink.example").unwrap());
    });
    let moved = json!({"org_id": stage.org.to_string(), "provider": "cohere"});
    let told = stage.call(Who::Key(stage.org, SCOPE), RESOLVE, Some(moved)).await;
    assert_eq!((told.code(), told.text.contains("canary")), ((409, "key_undecryptable"), false), "{told:?}");
    let attempts = stage.keys.records().into_iter().filter(|record| record.outcome == Outcome::Failure);
    let actions: Vec<Action> = attempts.map(|record| record.action).collect();
    let (resolved, tested) = (Action::ProviderKeyResolved, Action::ProviderKeyTested);
    assert_eq!(actions, [resolved, tested, resolved], "each attempt is in the trail");
    let stats = stage.call(stage.owner(), "GET /api/v1/byok/stats", None).await.body;
    assert_eq!((&stats["configured_providers"], &stats["valid_providers"]), (&json!(2), &json!(0)));
    assert_eq!(stage.probe.probed(), [], "and nobody was shown a key");
}

#[actix_web::test]
async fn a_worn_out_master_key_and_a_store_that_is_away_are_no_fault_of_the_request() {
    let stage = Stage::new().await;
    byok_core::testing::World::wear(&*stage.keys, &"k1".parse().unwrap(), 1 << 32).await;
    let told = add(&stage, json!({"provider": "openai", "key": CANARY})).await;
    assert_eq!((told.code(), told.header("retry-after")), ((503, "unavailable"), Some("1")));
    assert!(!told.text.contains("k1") && !told.text.contains("canary"), "{}", told.text);
    stage.keys.break_down(true);
    assert_eq!(stage.call(stage.owner(), LIST, None).await.code(), (503, "unavailable"));
}

#[actix_web::test]
async fn a_repeated_request_stores_once() {
    let stage = Stage::new().await;
    let headers = [("Idempotency-Key", "again")];
    let body = |key: &str| json!({"provider": "openai", "key": key}).to_string();
    let first = stage.send(stage.owner(), ADD, &headers, body(CANARY)).await;
    let again = stage.send(stage.owner(), ADD, &headers, body(CANARY)).await;
    assert_eq!((first.status, again.status, &again.text), (200, 200, &first.text));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!(stage.kept("openai").await.map(|key| key.version), Some(1));
    let other = stage.send(stage.owner(), ADD, &headers, body("sk-another-0123456789")).await;
    assert_eq!(other.code(), (422, "idempotency_key_reused"));
    assert!(!other.text.contains("sk-another"), "{}", other.text);
}
