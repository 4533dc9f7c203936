//! What is no key, no label and no endpoint is refused by name, and never said back.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, FakeProvider, TestApp};

use super::{ADD, House, OPENAI, adding, keys};

/// The pointer and the code of the one field that is wrong.
#[track_caller]
fn wrong(answer: &Answer) -> (String, String) {
    let body = answer.expect(422);
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&body["errors"][0]["pointer"]), text(&body["code"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_key_is_refused_and_not_said_back() {
    let app = TestApp::new().await;
    let house = House::new(&app, "ada").await;
    let canary = "K3y-7Qz4LmVx2Rt9Yc5Wb8Nd";
    for key in [
        String::new(),
        "sk-K3y-7Q".to_owned(),
        format!("sk-{canary}\r\nX-Injected: yes"),
        format!("sk-{canary}\n"),
        format!("\nsk-{canary}"),
        format!("sk-{canary}\r"),
        format!("sk-{canary}\u{0}"),
        format!("sk-{canary}\u{0}tail"),
        format!(" sk-{canary}"),
        format!("sk-{canary} "),
        format!("sk-{canary} {canary}"),
        format!("sk-{canary}\t"),
        format!("sk-{canary}é"),
        format!("sk-{canary}\u{200b}"),
        format!("sk-{canary}\u{202e}"),
        format!("ｓｋ-{canary}"),
        format!("sk-{canary}\u{7f}"),
        format!("sk-{canary}\u{1b}[2J"),
        format!("sk-{canary}🔑"),
        format!("sk-{canary}{}", "x".repeat(4097 - 27)),
        format!("sk-{canary}{}", "x".repeat(30_000)),
    ] {
        for provider in ["openai", "custom"] {
            let mut body = json!({ "provider": provider, "key": key });
            if provider == "custom" {
                body["endpoint"] = json!("https://1.1.1.1");
            }
            let answer = adding(&house.owner, &house.org, &body).await;
            assert_eq!(wrong(&answer), ("/key".to_owned(), "key_format".to_owned()), "{} {key:.40?}", key.len());
            let text = answer.text();
            assert!(!text.contains("7Qz4LmVx") && !text.contains("Injected"), "{text}");
        }
    }
    // As long as a key may be, and as short as one of this provider's: only the length of the second one fits nothing.
    let short = json!({ "provider": "openai", "key": "sk-4567890123456789" });
    assert_eq!(wrong(&adding(&house.owner, &house.org, &short).await).1, "key_format");
    let long = json!({ "provider": "custom", "key": "k".repeat(4097), "endpoint": "https://1.1.1.1" });
    assert_eq!(wrong(&adding(&house.owner, &house.org, &long).await).1, "key_format");
    assert!(keys(&house.owner, &house.org).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_text_no_field_and_no_body_is_not_said_back_either() {
    let app = TestApp::new().await;
    let house = House::new(&app, "ada").await;
    let secret = OPENAI;
    let good = json!({ "provider": "openai", "key": secret });
    for (field, value, pointer) in [
        ("key", json!([secret]), "/key"),
        ("key", json!({ "value": secret }), "/key"),
        ("key", Value::Null, "/key"),
        ("key", json!(7_777_777_777_u64), "/key"),
        ("provider", json!(secret), "/provider"),
        ("provider", json!([secret]), "/provider"),
        ("provider", json!("../openai"), "/provider"),
        ("label", json!([secret]), "/label"),
        ("label", json!("l".repeat(101)), "/label"),
        ("label", json!("two\nlines"), "/label"),
        ("endpoint", json!([secret]), "/endpoint"),
        ("endpoint", json!("https://example.com"), "/endpoint"),
        ("api_key", json!(secret), "/api_key"),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = adding(&house.owner, &house.org, &body).await;
        assert_eq!(answer.expect(422)["errors"][0]["pointer"], pointer, "{value}: {}", answer.text());
        super::tells_nothing(&answer.text(), secret);
    }
    adding(&house.owner, &house.org, &json!({ "provider": "openai" })).await.expect(422);
    adding(&house.owner, &house.org, &json!({ "key": secret })).await.expect(422);
    let path = format!("{ADD}?org_id={}", house.org);
    for raw in [
        format!("{{\"provider\":\"openai\",\"key\":\"{secret}\""),
        format!("\"{secret}\""),
        format!("[\"{secret}\"]"),
        format!("provider=openai&key={secret}"),
        format!("{{\"provider\":\"openai\",\"key\":\"{secret}\",\"key\":\"{secret}\"}}"),
    ] {
        let answer = house.owner.post(&path).body("application/json", raw).await;
        assert!((400..500).contains(&answer.status), "{}: {}", answer.status, answer.text());
        super::tells_nothing(&answer.text(), secret);
    }
    let form = house.owner.post(&path).form(&[("provider", "openai"), ("key", secret)]).await;
    assert!([415, 422].contains(&form.status), "{}", form.text());
    super::tells_nothing(&form.text(), secret);
    // 10 MiB are not read to their end.
    let big = format!("{{\"provider\":\"openai\",\"key\":\"{}\"}}", "k".repeat(10 * 1024 * 1024));
    if let Ok(answer) = house.owner.post(&path).body("application/json", big).attempt().await {
        assert_eq!(answer.status, 413, "{}", answer.text());
    }
    assert!(keys(&house.owner, &house.org).await.is_empty());
    house.add("openai", secret).await;
}

/// A key that only looks unusual is kept, with a warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unusual_key_is_kept_with_a_warning() {
    let app = TestApp::new().await;
    let house = House::new(&app, "ada").await;
    let stored = house.add("openai", "xai-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6").await;
    assert_eq!(stored["warnings"].as_array().map(Vec::len), Some(1), "{stored}");
    super::tells_nothing(&stored.to_string(), "xai-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6");
    assert_eq!(house.resolve("openai").await.expect(200)["key"], "xai-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6");
}

/// Addresses that lead to this machine, its network, its cloud or nowhere, in every disguise; `PORT` is where somebody listens.
const DISGUISES: &[&str] = &[
    "https://127.0.0.1",
    "https://127.0.0.1:PORT/v1",
    "https://127.1:PORT",
    "https://127.0.1:PORT",
    "https://2130706433:PORT",
    "https://0x7f000001:PORT",
    "https://0x7f.0.0.1:PORT",
    "https://0177.0.0.1:PORT",
    "https://017700000001:PORT",
    "https://0:PORT",
    "https://0.0.0.0:PORT",
    "https://[::]:PORT",
    "https://[::1]:PORT",
    "https://[0:0:0:0:0:0:0:1]:PORT",
    "https://[::ffff:127.0.0.1]:PORT",
    "https://[::ffff:7f00:1]:PORT",
    "https://[::127.0.0.1]:PORT",
    "https://[64:ff9b::127.0.0.1]:PORT",
    "https://[2002:7f00:1::]:PORT",
    "https://[2001:0:7f00:1::]:PORT",
    "https://[::ffff:0:127.0.0.1]:PORT",
    "https://[fe80::1]:PORT",
    "https://[fe80::1%25lo]:PORT",
    "https://[fec0::1]",
    "https://[fc00::1]",
    "https://[fd00:ec2::254]/latest/meta-data",
    "https://[ff02::1]",
    "https://[100::1]",
    "https://[2001:db8::1]",
    "https://１２７.0.0.1:PORT",
    "https://127。0。0。1:PORT",
    "https://①②⑦.0.0.1:PORT",
    "https://127%2e0%2e0%2e1:PORT",
    "https://%31%32%37.0.0.1:PORT",
    "https://127.0.0.1.:PORT",
    "https://localhost:PORT",
    "https://LOCALHOST:PORT",
    "https://localhost.:PORT",
    "https://ｌｏｃａｌｈｏｓｔ:PORT",
    "https://service.localhost:PORT",
    "https://10.0.0.1",
    "https://10.255.255.255",
    "https://172.16.0.1",
    "https://172.31.255.255",
    "https://192.168.1.1",
    "https://169.254.169.254/latest/meta-data/iam",
    "https://169.254.170.2/v2/credentials",
    "https://2852039166",
    "https://[::ffff:169.254.169.254]",
    "https://100.100.100.200",
    "https://192.0.0.192",
    "https://100.64.0.1",
    "https://198.18.0.1",
    "https://192.0.2.1",
    "https://198.51.100.1",
    "https://203.0.113.1",
    "https://224.0.0.1",
    "https://240.0.0.1",
    "https://255.255.255.255",
    "https://metadata.google.internal/computeMetadata/v1",
    "https://metadata",
    "https://kubernetes.default.svc",
    "https://no-such-host.invalid",
    "https://8.8.8.8:22",
    "https://8.8.8.8:80",
    "https://8.8.8.8:PORT",
    "https://8.8.8.8:0",
    "http://8.8.8.8",
    "http://127.0.0.1:PORT",
    "http://localhost:PORT/v1",
];

/// What cannot be an endpoint at all.
const NO_ADDRESSES: &[&str] = &[
    "",
    " ",
    "8.8.8.8",
    "8.8.8.8:443",
    "//8.8.8.8",
    "https://",
    "https:///v1",
    "https://:443",
    "https://user@8.8.8.8",
    "https://user:password@8.8.8.8",
    "https://8.8.8.8@127.0.0.1:PORT",
    "https://127.0.0.1:PORT@8.8.8.8",
    "https://8.8.8.8\\@127.0.0.1:PORT",
    "https://127.0.0.1:PORT\\.example.com",
    "https://127.0.0.1:PORT#@8.8.8.8",
    "https://8.8.8.8?key=",
    "https://8.8.8.8/#",
    "https://8.8.8.8 .example.com",
    "https://exa mple.com",
    "https://8.8.8.8\r\nHost: 127.0.0.1",
    "https://8.8.8.8\u{0}.example.com",
    "https://8.8.8.8:99999",
    "https://8.8.8.8:-1",
    "https://[::1",
    "https://[::gg]",
    "ftp://8.8.8.8",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_x",
    "dict://127.0.0.1:PORT",
    "unix:/var/run/docker.sock",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://8.8.8.8",
    "jar:https://8.8.8.8!/",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_disguise_makes_an_inner_address_an_endpoint() {
    // It listens, and nobody may ask it: the app does not know it.
    let fake = FakeProvider::start();
    let port = fake.url().rsplit(':').next().expect("a port").to_owned();
    // A refusal takes as long as connecting may.
    let quick = Duration::from_millis(5);
    let app = TestApp::builder().config(|config| config.byok.connect_timeout = quick).start().await;
    let house = House::new(&app, "ada").await;
    let secret = "K3y-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6";
    let long = format!("https://8.8.8.8/{}", "p".repeat(2048));
    for provider in ["custom", "azure_openai", "ollama"] {
        let mut said = Vec::new();
        for disguise in DISGUISES.iter().chain(NO_ADDRESSES).copied().chain([long.as_str()]) {
            let endpoint = disguise.replace("PORT", &port);
            let body = json!({ "provider": provider, "key": secret, "endpoint": endpoint });
            let answer = adding(&house.owner, &house.org, &body).await;
            let (pointer, code) = wrong(&answer);
            assert_eq!((pointer.as_str(), code.as_str()), ("/endpoint", "endpoint_forbidden"), "{endpoint:.60}");
            super::tells_nothing(&answer.text(), secret);
            if DISGUISES.contains(&disguise) {
                said.push(answer.expect(422)["detail"].clone());
            }
        }
        // What is inside is not told by how it is refused.
        said.sort_by_key(ToString::to_string);
        said.dedup();
        assert!(said.len() <= 2, "one sentence for what leads inside, one for what is no host: {said:?}");
        assert_eq!(
            wrong(&adding(&house.owner, &house.org, &json!({ "provider": provider, "key": secret })).await).0,
            "/endpoint"
        );
    }
    assert_eq!(fake.connections(), 0);
    assert!(keys(&house.owner, &house.org).await.is_empty());
}

/// KEY-8: a stored key goes to no other address without being shown again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_address_needs_the_key_again() {
    let (fake, sink) = (FakeProvider::start(), FakeProvider::start());
    let port = sink.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let app = TestApp::builder().providers(&fake).config(|config| config.byok.allowed_ports.push(port)).start().await;
    let house = House::new(&app, "ada").await;
    let secret = "K3y-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6";
    let body = json!({ "provider": "custom", "key": secret, "endpoint": fake.url() });
    adding(&house.owner, &house.org, &body).await.expect(200);
    let moved = json!({ "provider": "custom", "endpoint": sink.url() });
    assert_eq!(adding(&house.owner, &house.org, &moved).await.expect(422)["errors"][0]["pointer"], "/key");
    let path = format!("/api/v1/byok/keys/custom?org_id={}", house.org);
    for request in [
        house.owner.put(&path).json(&moved),
        house.owner.request(reqwest::Method::PATCH, &path).json(&moved),
        house.owner.post(&format!("/api/v1/byok/keys/test/custom?org_id={}&endpoint={}", house.org, sink.url())),
        house.test("custom").json(&json!({ "endpoint": sink.url() })),
    ] {
        let answer = request.await;
        super::tells_nothing(&answer.text(), secret);
    }
    house.test("custom").await.expect(200);
    assert_eq!(house.resolve("custom").await.expect(200)["endpoint"], fake.url());
    assert_eq!(sink.connections(), 0, "nothing was sent to where the key was not stored for");
    assert!(fake.connections() > 0);
}
