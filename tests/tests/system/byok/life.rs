//! The whole life of a key, as its owner and a service see it.

use serde_json::{Value, json};
use testkit::{Backend, FakeProvider, ProviderAnswer, TestApp};

use super::{BYOK, House, KEYS, OPENAI, adding, keys, tells_nothing};
use crate::rig::tables::trail;

/// In the order of the names.
const PROVIDERS: [&str; 15] = [
    "anthropic",
    "azure_openai",
    "cohere",
    "custom",
    "deepseek",
    "google",
    "groq",
    "huggingface",
    "mistral",
    "ollama",
    "openai",
    "openrouter",
    "perplexity",
    "together",
    "xai",
];

async fn stats(house: &House) -> [Value; 5] {
    let stats = house.owner.get(&format!("{BYOK}/stats?org_id={}", house.org)).await.expect(200);
    ["total_providers", "configured_providers", "tested_providers", "valid_providers", "user_tier"]
        .map(|field| stats[field].clone())
}

async fn providers(house: &House) -> Vec<Value> {
    let list = house.owner.get(&format!("{BYOK}/providers?org_id={}", house.org)).await.expect(200);
    list.as_array().expect("a bare array").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_lives_from_its_storing_to_its_deletion() {
    let fake = &FakeProvider::start();
    TestApp::each_with(
        |config| fake.admit(config),
        |app| async move {
            let house = House::new(&app, "ada").await;
            begins_empty(&house).await;
            is_stored(&house).await;
            is_tested(&house, fake).await;
            is_handed_out(&house, &app, fake).await;
            is_replaced(&house).await;
            is_destroyed(&house).await;
            let told = |rows: Vec<[String; 3]>| rows.into_iter().map(|[who, ..]| who).collect::<Vec<_>>();
            assert_eq!(told(trail(&app, "byok.key.stored").await), ["user", "user"]);
            assert_eq!(told(trail(&app, "byok.key.tested").await), ["user"; 7]);
            assert_eq!(told(trail(&app, "byok.key.resolved").await), ["service", "service"]);
            assert_eq!(told(trail(&app, "byok.key.deleted").await), ["user"]);
        },
    )
    .await;
}

async fn begins_empty(house: &House) {
    assert!(keys(&house.owner, &house.org).await.is_empty());
    let providers = providers(house).await;
    let ids: Vec<&str> = providers.iter().map(|provider| provider["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, PROVIDERS);
    for provider in &providers {
        assert_eq!(
            (&provider["configured"], &provider["tier_required"]),
            (&json!(false), &json!("starter")),
            "{provider}"
        );
        for field in ["name", "key_format", "docs_url"] {
            assert!(provider[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {provider}");
        }
    }
    assert_eq!(stats(house).await, [json!(15), json!(0), json!(0), json!(0), json!("enterprise")]);
    house.test("openai").await.problem(404, "not_found");
    house.delete("openai").await.problem(404, "not_found");
    house.resolve("openai").await.problem(404, "not_found");
}

async fn is_stored(house: &House) {
    let body = json!({ "provider": "openai", "key": OPENAI, "label": "  Production " });
    let answer = adding(&house.owner, &house.org, &body).await;
    let stored = answer.expect(200);
    tells_nothing(&answer.text(), OPENAI);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        stored["message"].is_string() && stored["id"].as_str().is_some_and(|id| id.starts_with("key_")),
        "{stored}"
    );
    assert_eq!((&stored["provider"], &stored["provider_name"]), (&json!("openai"), &json!("OpenAI")));
    assert_eq!(stored["warnings"], json!([]));
    let preview = stored["key_preview"].as_str().expect("a preview");
    assert!(
        preview.ends_with(&OPENAI[OPENAI.len() - 4..]) && !preview.contains(&OPENAI[OPENAI.len() - 5..]),
        "{preview}"
    );

    let listed = house.owner.get(&format!("{KEYS}?org_id={}", house.org)).await;
    tells_nothing(&listed.text(), OPENAI);
    let key = house.key("openai").await;
    for (field, value) in [
        ("id", &stored["id"]),
        ("provider_name", &json!("OpenAI")),
        ("key_preview", &stored["key_preview"]),
        ("label", &json!("Production")),
        ("endpoint", &Value::Null),
        ("last_tested", &Value::Null),
        ("test_status", &Value::Null),
        ("last_used", &Value::Null),
        ("status", &json!("active")),
    ] {
        assert_eq!(&key[field], value, "{field}: {key}");
    }
    let print = key["fingerprint"].as_str().expect("a fingerprint");
    assert!(print.len() == 8 && print.chars().all(|c| c.is_ascii_hexdigit()), "{print}");
    assert!(key["added_date"].is_string() && key["masked_key"].is_string(), "{key}");
    assert_eq!(key["created_by"], json!(house.owner.id.to_string()));
    assert_eq!(stats(house).await, [json!(15), json!(1), json!(0), json!(0), json!("enterprise")]);
    let told = house.owner.get(&format!("/api/v1/org/{}/stats", house.org)).await.expect(200);
    assert_eq!(told["byok_providers"], 1);
    let configured: Vec<Value> = providers(house).await.into_iter().filter(|one| one["configured"] == true).collect();
    assert_eq!((configured.len(), &configured[0]["id"]), (1, &json!("openai")));
}

/// What the provider says is what is told. What says nothing of the key is told as that, and takes nothing back.
async fn is_tested(house: &House, fake: &FakeProvider) {
    fake.take();
    for (answer, verdict, status, counts) in [
        (ProviderAnswer::status(200), "valid", "active", 1),
        (ProviderAnswer::status(401), "invalid", "rejected", 0),
        (ProviderAnswer::status(429), "unknown", "rejected", 0),
        (ProviderAnswer::status(500), "unknown", "rejected", 0),
        (ProviderAnswer::status(200), "valid", "active", 1),
        (ProviderAnswer::status(503), "unknown", "active", 0),
        (ProviderAnswer::status(200), "valid", "active", 1),
    ] {
        fake.answers_next([answer.clone()]);
        let tested = house.test("openai").await;
        tells_nothing(&tested.text(), OPENAI);
        let body = tested.expect(200);
        let ProviderAnswer::Status(code, _) = answer else { unreachable!("a status") };
        assert_eq!((&body["status"], &body["success"]), (&json!(verdict), &json!(verdict == "valid")), "{body}");
        assert_eq!(
            (&body["details"]["status_code"], &body["provider_name"]),
            (&json!(code), &json!("OpenAI")),
            "{body}"
        );
        assert!(body["message"].is_string() && body["latency_ms"].is_u64() && body["provider"] == "openai", "{body}");
        let key = house.key("openai").await;
        assert_eq!((&key["test_status"], &key["status"]), (&json!(verdict), &json!(status)), "{key}");
        assert!(key["last_tested"].is_string(), "{key}");
        assert_eq!(stats(house).await[2..4], [json!(1), json!(counts)]);
    }
    let requests = fake.take();
    assert_eq!(requests.len(), 7);
    for request in requests {
        assert_eq!(request.line(), "GET /v1/models HTTP/1.1");
        assert_eq!(request.header("authorization"), [format!("Bearer {OPENAI}")]);
    }
}

async fn is_handed_out(house: &House, app: &TestApp, fake: &FakeProvider) {
    let handed = house.resolve("openai").await;
    assert_eq!(
        handed.expect(200),
        json!({ "provider": "openai", "key": OPENAI, "endpoint": fake.url() }),
        "provider, key and endpoint, and nothing else"
    );
    assert_eq!(handed.header("cache-control"), Some("no-store"));
    let id = house.key("openai").await["id"].clone();
    let [who, what, details] = trail(app, "byok.key.resolved").await.pop().expect("a record");
    assert_eq!((who.as_str(), json!(what)), ("service", id));
    assert!(details.contains("openai"), "{details}");
    tells_nothing(&details, OPENAI);
    assert!(fake.take().is_empty(), "handing a key out asks nobody");
}

async fn is_replaced(house: &House) {
    let before = house.key("openai").await;
    let other = "sk-proj-0Other0Other0Other0Other0OthrZZZZ";
    let stored = house.add("openai", other).await;
    assert_eq!((&stored["id"], keys(&house.owner, &house.org).await.len()), (&before["id"], 1));
    let key = house.key("openai").await;
    assert!(key["last_used"].is_null() && key["last_tested"].is_null() && key["label"].is_null(), "{key}");
    assert_ne!((&key["fingerprint"], &key["key_preview"]), (&before["fingerprint"], &before["key_preview"]));
    assert_eq!(house.resolve("openai").await.expect(200)["key"], other);
    assert!(house.key("openai").await["last_used"].is_string());
}

async fn is_destroyed(house: &House) {
    let gone = house.delete("openai").await.expect(200);
    assert_eq!(
        (&gone["provider"], &gone["success"], gone["message"].is_string()),
        (&json!("openai"), &json!(true), true)
    );
    house.delete("openai").await.problem(404, "not_found");
    house.test("openai").await.problem(404, "not_found");
    house.resolve("openai").await.problem(404, "not_found");
    assert!(keys(&house.owner, &house.org).await.is_empty());
    assert_eq!(stats(house).await, [json!(15), json!(0), json!(0), json!(0), json!("enterprise")]);
}

/// No key below has a character twice.
const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

/// KEY-7: of each length, at most four characters and at most a fifth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_key_shows_nothing_and_a_long_one_four_characters() {
    let fake = FakeProvider::start();
    let app = TestApp::builder().backend(Backend::Sqlite).providers(&fake).start().await;
    let house = House::new(&app, "ada").await;
    for length in 10..=64 {
        let key: String = (0..length).map(|n| char::from(ALPHABET[(n * 7 + length) % 64])).collect();
        let body = json!({ "provider": "custom", "key": key, "endpoint": fake.url() });
        adding(&house.owner, &house.org, &body).await.expect(200);
        let shown = house.key("custom").await;
        for field in ["key_preview", "masked_key"] {
            let text = shown[field].as_str().expect("a text");
            let kept = (1..=length).rev().find(|kept| text.contains(&key[length - kept..])).unwrap_or(0);
            assert_eq!(kept, if length < 20 { 0 } else { 4 }, "{length}: {text}");
            let told = (0..length - 1).filter(|start| text.contains(&key[*start..start + 2]));
            assert_eq!(told.count(), kept.saturating_sub(1), "{length}: {text}");
        }
    }
}

/// The same key at two organizations has one fingerprint here, and another one in another installation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fingerprint_tells_keys_apart_within_one_installation() {
    let (here, there) = (TestApp::new().await, TestApp::new().await);
    let mut prints = Vec::new();
    for (app, name) in [(&here, "ada"), (&here, "bob"), (&there, "eve")] {
        let house = House::new(app, name).await;
        house.add("openai", OPENAI).await;
        prints.push(house.key("openai").await["fingerprint"].clone());
    }
    assert_eq!(prints[0], prints[1]);
    assert_ne!(prints[0], prints[2]);
}
