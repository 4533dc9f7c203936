//! Who gets through: services with keys, people with sessions, and those who have both or neither.

mod keys;
mod stage;

use auth_core::testing::Population;
use auth_core::{ApiKeyToken, Scope};
use kernel::{OrgId, PlatformRole, Role, UserId};
use serde_json::json;

use self::stage::{Client, Stage, bearer};

const BOTH: [Scope; 2] = [Scope::UsageWrite, Scope::EntitlementsRead];
const ACTING: [Scope; 3] = [Scope::UsageWrite, Scope::EntitlementsRead, Scope::ActAs];

#[actix_web::test]
async fn a_key_is_read_from_either_header() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    let (key, token) = stage.key(org, &BOTH, false).await;
    let text = token.expose();
    for (name, value) in [
        ("Authorization", format!("Bearer {text}")),
        ("Authorization", format!("bearer   {text} ")),
        ("X-API-Key", text.to_owned()),
        ("x-api-key", format!(" {text}")),
    ] {
        let told = stage.get(&Client::default().with(name, &value), "/ask").await;
        assert_eq!(told.found(), ("service", org.to_string().as_str(), ""), "{name}: {value}");
    }
    let twice = bearer(text).with("X-API-Key", text);
    assert_eq!(stage.get(&twice, "/ask").await.status, 200, "the same key twice is one key");
    let (_, other) = stage.key(org, &BOTH, false).await;
    let told = stage.get(&bearer(text).with("X-API-Key", other.expose()), "/ask").await;
    assert_eq!(told.code(), (401, "invalid_api_key"), "two keys are none");
    assert_eq!(stage.last_used(&token).await, Some(key.created_at), "the use is remembered");
}

#[actix_web::test]
async fn what_is_no_key_of_ours_is_passed_over_and_a_wrong_one_is_not() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    let browser = stage.browser(&owner).await;
    for (name, value) in [
        ("Authorization", "Bearer session:ses_1"),
        ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
        ("Authorization", "Bearer"),
        ("Authorization", "Basic b2NfOng="),
        ("Authorization", "oc_"),
        ("X-API-Key", "sk_live_1"),
        ("X-API-Key", ""),
        ("X-User-Id", "usr_1"),
    ] {
        assert_eq!(stage.get(&browser.with(name, value), "/ask").await.status, 200, "{name}: {value}");
        let told = stage.get(&Client::default().with(name, value), "/ask").await;
        assert_eq!(told.code(), (401, "unauthenticated"), "{name}: {value}");
    }
    let unknown = ApiKeyToken::mint(&stage.ambient);
    let (key, revoked) = stage.key(org, &BOTH, false).await;
    assert_eq!(stage.call(&browser, &format!("DELETE /api/v1/api-keys/{}", key.id), None).await.status, 200);
    for wrong in ["oc_", "oc_x", unknown.expose(), revoked.expose()] {
        for path in ["/ask", "/mine", "/open"] {
            stage.clock.advance(std::time::Duration::from_mins(1));
            let told = stage.get(&browser.with("X-API-Key", wrong), path).await;
            assert_eq!(told.code(), (401, "invalid_api_key"), "{path}: {wrong}");
            assert_eq!(told.challenge, "Bearer error=\"invalid_token\"");
        }
    }
}

#[actix_web::test]
async fn a_key_comes_before_a_cookie_and_needs_no_csrf_evidence() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    let browser = stage.browser(&owner).await;
    let service = stage.service(org, &BOTH, false).await;
    let foreign = Client { headers: vec![("Sec-Fetch-Site", "cross-site".to_owned())], ..browser.clone() };
    assert_eq!(stage.post(&foreign, "/settle", json!({})).await.code(), (403, "csrf_failed"));
    let both = Client { headers: [foreign.headers.clone(), service.headers.clone()].concat(), ..foreign };
    let told = stage.post(&both, "/settle", json!({})).await;
    assert_eq!(told.found(), ("service", org.to_string().as_str(), ""), "it is the service that acts");
    assert_eq!(stage.post(&browser, "/settle", json!({})).await.found().0, "user");
}

#[actix_web::test]
async fn what_people_do_is_closed_to_services() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::Admin).await;
    let org = stage.org(&owner).await;
    let service = stage.service(org, &Scope::ALL, true).await;
    let browser = stage.browser(&owner).await;
    let both = Client { headers: [browser.headers, service.headers.clone()].concat(), ..browser };
    for client in [&service, &both] {
        for operation in ["GET /mine", "POST /mine", "GET /api/v1/api-keys", "POST /api/v1/api-keys"] {
            let told = stage.call(client, operation, None).await;
            assert_eq!(told.code(), (403, "session_required"), "{operation}");
            let keyed = stage.call(&client.with("Idempotency-Key", "k"), operation, None).await;
            assert_eq!(keyed.code(), (403, "session_required"), "{operation}");
        }
    }
    assert_eq!(stage.get(&Client::default(), "/mine").await.code(), (401, "unauthenticated"));
    assert_eq!(stage.get(&service, "/open").await.found(), ("service", "", ""), "what is open to all is open to it");
}

#[actix_web::test]
async fn a_key_does_only_what_its_scopes_say() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    let reader = stage.service(org, &[Scope::EntitlementsRead], false).await;
    let writer = stage.service(org, &[Scope::UsageWrite], false).await;
    assert_eq!(stage.get(&reader, "/ask").await.status, 200);
    assert_eq!(stage.post(&writer, "/track", json!({})).await.status, 200);
    let me = owner.id.to_string();
    for (told, scope) in [
        (stage.get(&writer, "/ask").await, "entitlements:read"),
        (stage.call(&reader, "POST /track", None).await, "usage:write"),
        (stage.call(&reader.with("Idempotency-Key", "k"), "POST /track", None).await, "usage:write"),
        (stage.get(&reader, &format!("/ask?user_id={me}")).await, "act_as"),
        (stage.get(&reader.with("X-On-Behalf-Of", "nonsense"), "/ask").await, "act_as"),
        (stage.post(&writer, "/track", json!({"user_id": me})).await, "act_as"),
    ] {
        assert_eq!(told.code(), (403, "insufficient_scope"), "{scope}");
        assert_eq!(told.challenge, format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""));
    }
}

#[actix_web::test]
async fn a_service_acts_for_active_members_only() {
    let stage = Stage::new();
    let (owner, member) = (stage.user("owner", PlatformRole::User).await, stage.user("m", PlatformRole::User).await);
    let stranger = stage.user("stranger", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    stage.join(org, &member, Role::Member).await;
    let service = stage.service(org, &ACTING, false).await;
    let (here, me) = (org.to_string(), member.id.to_string());
    let for_member = ("service", here.as_str(), me.as_str());
    let query = format!("/ask?user_id={me}");
    assert_eq!(stage.get(&service, &query).await.found(), for_member);
    assert_eq!(stage.get(&service.with("X-On-Behalf-Of", &me), "/ask").await.found(), for_member);
    assert_eq!(stage.get(&service.with("X-On-Behalf-Of", &me), &query).await.found(), for_member, "twice the same");
    assert_eq!(stage.post(&service, "/track", json!({"user_id": me})).await.found(), for_member);
    assert_eq!(stage.post(&service, "/settle", json!({"user_id": me})).await.found(), for_member);
    for nobody in [stranger.id.to_string(), UserId::mint(&stage.ambient).to_string(), "usr_x".into(), String::new()] {
        let told = stage.get(&service, &format!("/ask?user_id={nobody}")).await;
        assert_eq!(told.code(), (404, "not_found"), "{nobody:?}");
        let told = stage.get(&service.with("X-On-Behalf-Of", &nobody), "/ask").await;
        assert_eq!(told.code(), (404, "not_found"), "{nobody:?}");
        let told = stage.post(&service, "/track", json!({"user_id": nobody})).await;
        assert_eq!(told.code(), (404, "not_found"), "{nobody:?}");
    }
    let other = owner.id.to_string();
    for told in [
        stage.get(&service.with("X-On-Behalf-Of", &other), &query).await,
        stage.get(&service.with("X-On-Behalf-Of", &me).with("X-On-Behalf-Of", &other), "/ask").await,
        stage.post(&service.with("X-On-Behalf-Of", &me), "/track", json!({"user_id": other})).await,
        stage.post(&service.with("X-On-Behalf-Of", &me), "/settle", json!({"user_id": other})).await,
    ] {
        assert_eq!(told.code(), (422, "invalid_request"), "two users: {told:?}");
    }
    stage.auth.remove(org, member.id).await;
    assert_eq!(stage.get(&service, &query).await.code(), (404, "not_found"), "removed");
}

#[actix_web::test]
async fn a_part_of_a_request_names_whom_the_whole_could_name() {
    let stage = Stage::new();
    let (owner, member) = (stage.user("owner", PlatformRole::User).await, stage.user("m", PlatformRole::User).await);
    let stranger = stage.user("stranger", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    stage.join(org, &member, Role::Member).await;
    let (acting, plain) = (stage.service(org, &ACTING, false).await, stage.service(org, &BOTH, false).await);
    let browser = stage.browser(&owner).await;
    let for_owner = acting.with("X-On-Behalf-Of", owner.id);
    for (client, user, expected) in [
        (&acting, &member, (200, "")),
        (&acting, &stranger, (404, "not_found")),
        (&plain, &member, (403, "insufficient_scope")),
        (&for_owner, &owner, (200, "")),
        (&for_owner, &member, (422, "invalid_request")),
        (&browser, &owner, (200, "")),
        (&browser, &member, (403, "forbidden")),
    ] {
        let told = stage.post(client, "/batch", json!({"user_id": user.id.to_string()})).await;
        assert_eq!(told.code(), expected, "{told:?}");
    }
}

#[actix_web::test]
async fn only_a_key_of_the_platform_reaches_other_organizations() {
    let stage = Stage::new();
    let (owner, other) = (stage.user("owner", PlatformRole::User).await, stage.user("other", PlatformRole::User).await);
    let (home, foreign) = (stage.org(&owner).await, stage.org(&other).await);
    let (own, platform) = (stage.service(home, &ACTING, false).await, stage.service(home, &ACTING, true).await);
    let (here, there, them) = (home.to_string(), foreign.to_string(), other.id.to_string());
    let unknown = OrgId::mint(&stage.ambient).to_string();
    for service in [&own, &platform] {
        assert_eq!(stage.get(service, "/ask").await.found(), ("service", here.as_str(), ""));
        assert_eq!(stage.get(service, &format!("/ask?org_id={here}")).await.found().1, here);
        for nowhere in [unknown.as_str(), "org_x", ""] {
            let told = stage.get(service, &format!("/ask?org_id={nowhere}")).await;
            assert_eq!(told.code(), (404, "not_found"), "{nowhere}");
            assert_eq!(stage.post(service, "/track", json!({"org_id": nowhere})).await.status, 404, "{nowhere}");
        }
    }
    assert_eq!(stage.get(&own, &format!("/ask?org_id={there}")).await.code(), (404, "not_found"));
    assert_eq!(stage.post(&own, "/track", json!({"org_id": there})).await.code(), (404, "not_found"));
    let told = stage.get(&platform, &format!("/ask?org_id={there}")).await;
    assert_eq!((told.found(), &told.body["platform"]), (("service", there.as_str(), ""), &json!(true)));

    let for_them = ("service", there.as_str(), them.as_str());
    let named = platform.with("X-On-Behalf-Of", &them);
    assert_eq!(stage.get(&named, &format!("/ask?org_id={there}")).await.found(), for_them);
    assert_eq!(stage.post(&platform, "/track", json!({"org_id": there, "user_id": them})).await.found(), for_them);
    assert_eq!(stage.post(&named, "/track", json!({"org_id": there})).await.found(), for_them, "header and body");
    assert_eq!(stage.post(&named, "/track", json!({})).await.code(), (404, "not_found"), "no member of the key's own");
    assert_eq!(stage.get(&named, "/ask").await.code(), (404, "not_found"));
    let both = format!("/track?org_id={there}");
    assert_eq!(stage.post(&platform, &both, json!({"org_id": here})).await.code(), (422, "invalid_request"));
    stage.suspend(foreign).await;
    assert_eq!(stage.get(&platform, &format!("/ask?org_id={there}")).await.code(), (404, "not_found"), "suspended");
}

#[actix_web::test]
async fn people_act_for_themselves_where_they_are_members() {
    let stage = Stage::new();
    let (ann, bob) = (stage.user("ann", PlatformRole::User).await, stage.user("bob", PlatformRole::Admin).await);
    let (home, second, foreign) = (stage.org(&ann).await, stage.org(&bob).await, stage.org(&bob).await);
    stage.join(second, &ann, Role::Member).await;
    let browser = stage.browser(&ann).await;
    let (me, here, other) = (ann.id.to_string(), home.to_string(), second.to_string());
    assert_eq!(stage.get(&browser, "/ask").await.found(), ("user", here.as_str(), me.as_str()));
    assert_eq!(stage.get(&browser, &format!("/ask?org_id={other}&user_id={me}")).await.found().1, other);
    assert_eq!(stage.post(&browser, "/track", json!({"org_id": other, "user_id": me})).await.found().1, other);
    assert_eq!(stage.get(&browser, &format!("/ask?org_id={foreign}")).await.code(), (404, "not_found"));
    assert_eq!(stage.post(&browser, "/track", json!({"org_id": foreign.to_string()})).await.code(), (404, "not_found"));
    for client in [&browser, &stage.browser(&bob).await] {
        let somebody = if client.cookie == browser.cookie { bob.id } else { ann.id };
        for told in [
            stage.get(client, &format!("/ask?user_id={somebody}")).await,
            stage.get(&client.with("X-On-Behalf-Of", somebody), "/ask").await,
            stage.post(client, "/track", json!({"user_id": somebody.to_string()})).await,
        ] {
            assert_eq!(told.code(), (403, "forbidden"), "nobody is somebody else");
        }
    }
    let nowhere = stage.user("nowhere", PlatformRole::User).await;
    assert_eq!(stage.get(&stage.browser(&nowhere).await, "/ask").await.code(), (404, "not_found"));
    for operation in ["GET /ask", "POST /track", "POST /settle"] {
        let told = stage.call(&Client::default(), operation, None).await;
        assert_eq!((told.code(), told.challenge.as_str()), ((401, "unauthenticated"), "Session, Bearer"));
    }
}

#[actix_web::test]
async fn a_repeated_request_of_a_service_is_answered_from_memory_for_the_same_user_only() {
    let stage = Stage::new();
    let (owner, member) = (stage.user("owner", PlatformRole::User).await, stage.user("m", PlatformRole::User).await);
    let org = stage.org(&owner).await;
    stage.join(org, &member, Role::Member).await;
    let service = stage.service(org, &ACTING, false).await.with("Idempotency-Key", "once");
    let other = stage.service(org, &ACTING, false).await.with("Idempotency-Key", "once");
    let first = stage.post(&service.with("X-On-Behalf-Of", owner.id), "/track", json!({})).await;
    let again = stage.post(&service.with("X-On-Behalf-Of", owner.id), "/track", json!({})).await;
    assert_eq!((first.replayed, again.replayed, &first.body), (false, true, &again.body));
    let for_other = stage.post(&service.with("X-On-Behalf-Of", member.id), "/track", json!({})).await;
    assert_eq!(for_other.code(), (422, "idempotency_key_reused"));
    assert!(!stage.post(&other, "/track", json!({})).await.replayed, "each key has requests of its own");
}

#[actix_web::test]
async fn guesses_are_slowed_down_and_outages_deny_nobody() {
    let stage = Stage::new();
    let owner = stage.user("owner", PlatformRole::User).await;
    let org = stage.org(&owner).await;
    let service = stage.service(org, &BOTH, false).await;
    for n in 0..20 {
        let told = stage.get(&bearer(ApiKeyToken::mint(&stage.ambient).expose()), "/ask").await;
        let expected = if n < 5 { (401, "invalid_api_key") } else { (429, "too_many_attempts") };
        assert_eq!(told.code(), expected, "guess {n}");
        assert_eq!(stage.get(&service, "/ask").await.status, 200, "a good key is never slowed down");
    }
    stage.auth.break_down(true);
    assert_eq!(stage.get(&service, "/ask").await.code(), (503, "unavailable"));
}

#[test]
fn the_document_names_both_credentials() {
    let document = serde_json::to_value(crate::openapi::document(&stage::rows(), "1")).unwrap();
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"]["scheme"], "bearer");
    assert_eq!((&schemes["api_key"]["in"], &schemes["api_key"]["name"]), (&json!("header"), &json!("X-API-Key")));
    let ask = &document["paths"]["/ask"]["get"];
    let wanted = json!([{"session": []}, {"bearer": ["entitlements:read"]}, {"api_key": ["entitlements:read"]}]);
    assert_eq!(ask["security"], wanted);
    assert_eq!(document["paths"]["/mine"]["get"]["security"], json!([{"session": []}]));
    let names: Vec<_> = ask["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["org_id", "user_id", "X-On-Behalf-Of"]);
}
