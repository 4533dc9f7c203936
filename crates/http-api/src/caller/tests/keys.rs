//! The operations on API keys.

use std::time::Duration;

use auth_core::{ApiKeyToken, Scope};
use kernel::{ApiKeyId, PlatformRole, Role};
use serde_json::{Value, json};

use super::stage::{Stage, Told, bearer};
use super::{BOTH, Client};

const KEYS: &str = "/api/v1/api-keys";

fn wanted() -> Value {
    json!({"name": "LLM gateway", "scopes": ["usage:write", "entitlements:read"]})
}

/// The text of the key that was made.
fn text(made: &Told) -> String {
    assert_eq!(made.status, 201, "{made:?}");
    made.body["key"].as_str().unwrap().to_owned()
}

async fn listed(stage: &Stage, by: &Client) -> Vec<Value> {
    let told = stage.get(by, KEYS).await;
    assert_eq!(told.status, 200, "{told:?}");
    told.body["api_keys"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_key_is_shown_once_used_and_revoked() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    let browser = stage.browser(&owner).await;
    let made = stage.post(&browser, KEYS, wanted()).await;
    let key = text(&made);
    assert!(key.starts_with("oc_") && key.len() == 52, "{key}");
    assert!(made.body["message"].as_str().unwrap().contains("not shown again"));
    let service = bearer(&key);
    assert_eq!(stage.get(&service, "/ask").await.found(), ("service", org.to_string().as_str(), ""));

    let last_used = stage.last_used(&ApiKeyToken::parse(&key).unwrap()).await;
    assert_eq!(last_used, Some(stage.ambient.now()));
    let list = listed(&stage, &browser).await;
    let expected = json!({
        "id": made.body["id"], "name": "LLM gateway", "scopes": ["usage:write", "entitlements:read"],
        "key_preview": key[48..], "created_at": made.body["created_at"], "expires_at": null,
        "last_used": made.body["created_at"], "status": "active", "platform": false,
    });
    assert_eq!(list, vec![expected]);
    assert_eq!(stage.get(&browser, "/api/v1/account/uc-api-keys").await.body["api_keys"], json!(list));

    let id = made.body["id"].as_str().unwrap();
    let revoke = format!("DELETE {KEYS}/{id}");
    assert_eq!(stage.call(&browser, &revoke, None).await.status, 200);
    assert_eq!(stage.get(&service, "/ask").await.code(), (401, "invalid_api_key"));
    assert_eq!(stage.call(&browser, &revoke, None).await.code(), (404, "not_found"));
    assert_eq!(listed(&stage, &browser).await, Vec::<Value>::new());
    let actions: Vec<_> = stage.auth.records().iter().map(|record| record.action.as_str()).collect();
    assert_eq!(actions, ["auth.api_key.created", "auth.api_key.revoked"]);
}

#[actix_web::test]
async fn a_repeated_request_makes_no_second_key_and_shows_no_secret() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    stage.org(&owner).await;
    let browser = stage.browser(&owner).await.with("Idempotency-Key", "once");
    let first = stage.post(&browser, KEYS, wanted()).await;
    let key = text(&first);
    let again = stage.post(&browser, KEYS, wanted()).await;
    assert!(again.replayed && again.status == 201 && again.body["id"] == first.body["id"], "{again:?}");
    assert_eq!(again.body["key"], Value::Null, "what is stored cannot tell it");
    assert!(!again.body.to_string().contains(&key[3..40]));
    assert_eq!(listed(&stage, &browser).await.len(), 1);
}

#[actix_web::test]
async fn keys_are_managed_by_those_who_may_and_in_their_own_organization() {
    let stage = Stage::new();
    let (owner, other) = (stage.user("owner", PlatformRole::User).await, stage.user("other", PlatformRole::User).await);
    let (org, foreign) = (stage.org(&owner).await, stage.org(&other).await);
    let (theirs, _) = stage.key(foreign, &BOTH, false).await;
    let (mine, _) = stage.key(org, &BOTH, false).await;
    let revoke = |id: ApiKeyId| format!("DELETE {KEYS}/{id}");
    for (name, role, may) in
        [("admin", Role::Admin, true), ("billing", Role::BillingAdmin, false), ("member", Role::Member, false)]
    {
        let user = stage.user(name, PlatformRole::User).await;
        stage.join(org, &user, role).await;
        let browser = stage.browser(&user).await;
        for (operation, well) in [(format!("GET {KEYS}"), 200), (format!("POST {KEYS}"), 201)] {
            let told = stage.call(&browser, &operation, Some(wanted())).await;
            let expected = if may { (well, "") } else { (403, "forbidden") };
            assert_eq!(told.code(), expected, "{name}: {operation}");
        }
        assert_eq!(stage.call(&browser, &revoke(mine.id), None).await.status, if may { 200 } else { 403 }, "{name}");
    }
    let browser = stage.browser(&owner).await;
    for operation in [revoke(theirs.id), revoke(ApiKeyId::mint(&stage.ambient)), format!("DELETE {KEYS}/apk_x")] {
        assert_eq!(stage.call(&browser, &operation, None).await.code(), (404, "not_found"), "{operation}");
    }
    let elsewhere = format!("{KEYS}?org_id={foreign}");
    assert_eq!(stage.get(&browser, &elsewhere).await.code(), (404, "not_found"));
    assert_eq!(stage.post(&browser, &elsewhere, wanted()).await.code(), (404, "not_found"));
    assert_eq!(stage.get(&Client::default(), KEYS).await.code(), (401, "unauthenticated"));
}

#[actix_web::test]
async fn what_a_new_key_may_be() {
    let stage = Stage::new();
    let (owner, admin) = (stage.user("owner", PlatformRole::User).await, stage.user("adm", PlatformRole::Admin).await);
    stage.org(&owner).await;
    stage.org(&admin).await;
    let (browser, admin) = (stage.browser(&owner).await, stage.browser(&admin).await);
    let with = |name: &str, value: Value| {
        let mut body = wanted();
        body[name] = value;
        body
    };
    for (body, pointer) in [
        (with("name", json!("")), "/name"),
        (with("name", json!("a\u{0}b")), "/name"),
        (with("scopes", json!([])), "/scopes"),
        (with("scopes", json!(["everything"])), "/scopes/0"),
        (with("scopes", json!(["admin:read"])), "/scopes"),
        (with("expires_at", json!("soon")), "/expires_at"),
        (with("expires_at", json!("2001-01-01T00:00:00Z")), "/expires_at"),
        (with("expires_at", json!("9999-12-31T23:59:59Z")), "/expires_at"),
        (with("platform", json!(null)), "/platform"),
        (with("org_id", json!("org_x")), "/org_id"),
    ] {
        let told = stage.post(&browser, KEYS, body).await;
        assert_eq!((told.status, told.body["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{told:?}");
    }
    let platform = with("platform", json!(true));
    assert_eq!(stage.post(&browser, KEYS, platform.clone()).await.code(), (403, "forbidden"));
    assert_eq!(stage.post(&admin, KEYS, platform).await.body["platform"], true);
    let everything = json!({"name": "a", "scopes": Scope::ALL.map(Scope::as_str), "platform": true});
    assert_eq!(stage.post(&admin, KEYS, everything).await.status, 201);

    let end = stage.ambient.now() + Duration::from_hours(1);
    let short = stage.post(&browser, KEYS, with("expires_at", json!(crate::wire::time(end)))).await;
    let service = bearer(&text(&short));
    assert_eq!(stage.get(&service, "/ask").await.status, 200);
    stage.clock.advance(Duration::from_mins(20));
    let browser = stage.browser(&owner).await;
    stage.clock.advance(Duration::from_mins(40));
    assert_eq!(stage.get(&service, "/ask").await.code(), (401, "invalid_api_key"));
    assert_eq!(listed(&stage, &browser).await[0]["status"], "expired");
}

#[actix_web::test]
async fn fifty_living_keys_are_enough() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    let browser = stage.browser(&owner).await;
    for _ in 0..50 {
        stage.key(org, &BOTH, false).await;
    }
    assert_eq!(stage.post(&browser, KEYS, wanted()).await.code(), (409, "too_many_keys"));
}
