//! Each provider's test, as it leaves the machine: method, path, credential, and nothing that costs tokens.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{FakeProvider, ProviderAnswer, ProviderRequest, TestApp};

use super::{House, adding, tells_nothing};

/// How a provider is asked.
struct Case {
    provider: &'static str,
    key: &'static str,
    /// What the customer names behind the server's address; `None` when the provider has an address of its own.
    below: Option<&'static str>,
    line: &'static str,
    credential: &'static str,
    /// What is before the key in it.
    before: &'static str,
    body: &'static str,
}

const BEARER: Case = Case {
    provider: "",
    key: "",
    below: None,
    line: "GET /v1/models HTTP/1.1",
    credential: "authorization",
    before: "Bearer ",
    body: "",
};

/// As the providers' references had it on 2026-11-22.
const CASES: [Case; 15] = [
    Case { provider: "openai", key: "sk-proj-canary1Qz4LmVx2Rt9Yc5Wb8Nd", ..BEARER },
    Case {
        provider: "anthropic",
        key: "sk-ant-api03-canary2Qz4LmVx2Rt9Yc5",
        credential: "x-api-key",
        before: "",
        ..BEARER
    },
    Case {
        provider: "huggingface",
        key: "hf_canary3Qz4LmVx2Rt9Yc5Wb8Nd3Fh6J",
        line: "GET /api/whoami-v2 HTTP/1.1",
        ..BEARER
    },
    Case {
        provider: "cohere",
        key: "canary4Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P",
        line: "POST /v1/check-api-key HTTP/1.1",
        body: "{}",
        ..BEARER
    },
    Case { provider: "together", key: "canary5Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P", ..BEARER },
    Case {
        provider: "perplexity",
        key: "pplx-canary6Qz4LmVx2Rt9Yc5Wb8Nd3Fh",
        line: "GET /v1/async/sonar HTTP/1.1",
        ..BEARER
    },
    Case {
        provider: "groq",
        key: "gsk_canary7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6",
        line: "GET /openai/v1/models HTTP/1.1",
        ..BEARER
    },
    Case { provider: "custom", key: "canary8Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P", below: Some("/v1"), ..BEARER },
    Case {
        provider: "openrouter",
        key: "sk-or-v1-canary9Qz4LmVx2Rt9Yc5Wb8N",
        line: "GET /api/v1/key HTTP/1.1",
        ..BEARER
    },
    Case { provider: "mistral", key: "canaryAQz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P", ..BEARER },
    Case {
        provider: "google",
        key: "AQ.canaryBQz4LmVx2Rt9Yc5Wb8Nd3Fh6J",
        line: "GET /v1beta/models HTTP/1.1",
        credential: "x-goog-api-key",
        before: "",
        ..BEARER
    },
    Case { provider: "deepseek", key: "sk-canaryCQz4LmVx2Rt9Yc5Wb8Nd3Fh6J", line: "GET /models HTTP/1.1", ..BEARER },
    Case { provider: "xai", key: "xai-canaryDQz4LmVx2Rt9Yc5Wb8Nd3Fh6", line: "GET /v1/api-key HTTP/1.1", ..BEARER },
    Case {
        provider: "ollama",
        key: "canaryEQz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P",
        below: Some(""),
        line: "GET /api/tags HTTP/1.1",
        ..BEARER
    },
    Case {
        provider: "azure_openai",
        key: "canaryFQz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P",
        below: Some("/"),
        line: "GET /openai/v1/models HTTP/1.1",
        credential: "api-key",
        before: "",
        ..BEARER
    },
];

async fn store(house: &House, fake: &FakeProvider, case: &Case) {
    let mut body = json!({ "provider": case.provider, "key": case.key });
    if let Some(below) = case.below {
        body["endpoint"] = json!(format!("{}{below}", fake.url()));
    }
    let stored = adding(&house.owner, &house.org, &body).await.expect(200);
    assert_eq!(stored["warnings"], json!([]), "{}", case.provider);
}

/// The request shows the key once, in its place, and says nothing of whose it is.
fn is_as_documented(request: &ProviderRequest, case: &Case, fake: &FakeProvider) {
    let (name, raw) = (case.provider, String::from_utf8_lossy(&request.raw).into_owned());
    assert_eq!(request.line(), case.line, "{name}");
    assert_eq!(request.header(case.credential), [format!("{}{}", case.before, case.key)], "{name}: {raw}");
    assert_eq!(raw.matches(case.key).count(), 1, "{name}: {raw}");
    assert_eq!(request.header("host"), [fake.url().trim_start_matches("http://")], "{name}");
    assert_eq!(request.body(), case.body.as_bytes(), "{name}");
    let known =
        ["host", "accept", "user-agent", "content-type", "content-length", "anthropic-version", case.credential];
    for (header, value) in request.headers() {
        assert!(known.contains(&header.as_str()), "{name}: {header}: {value}");
    }
    let version = if name == "anthropic" { vec!["2023-06-01"] } else { vec![] };
    assert_eq!(request.header("anthropic-version"), version, "{name}");
    let json = if case.body.is_empty() { vec![] } else { vec!["application/json"] };
    assert_eq!(request.header("content-type"), json, "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_is_asked_as_its_reference_says() {
    let fake = FakeProvider::start();
    let app = TestApp::builder().providers(&fake).start().await;
    let house = House::new(&app, "ada").await;
    for case in &CASES {
        store(&house, &fake, case).await;
        let tested = house.test(case.provider).await.expect(200);
        assert_eq!((&tested["status"], &tested["success"]), (&json!("valid"), &json!(true)), "{tested}");
        let requests = fake.take();
        is_as_documented(&requests[0], case, &fake);
        match (case.below, requests.as_slice()) {
            (None, [_]) => {}
            // A server of the customer's that takes everybody has said nothing of the key: it is asked without one.
            (Some(_), [_, bare]) => {
                assert_eq!((bare.line().as_str(), bare.contains(case.key)), (case.line, false), "{}", case.provider);
            }
            (_, more) => panic!("{}: {} requests", case.provider, more.len()),
        }
        let endpoint = case.below.map(|below| json!(format!("{}{below}", fake.url()).trim_end_matches('/')));
        let handed = house.resolve(case.provider).await.expect(200);
        assert_eq!(handed["key"], case.key);
        assert_eq!(house.key(case.provider).await["endpoint"], endpoint.clone().unwrap_or_default());
        assert_eq!(handed["endpoint"], endpoint.unwrap_or_else(|| json!(fake.url())));
    }
}

/// Every answer of a provider, and what it says of a key: good only when the provider said so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_a_good_answer_makes_a_key_valid() {
    let fake = FakeProvider::start();
    let app = TestApp::builder().providers(&fake).start().await;
    let house = House::new(&app, "ada").await;
    for case in &CASES {
        store(&house, &fake, case).await;
        for (status, verdict) in
            [(401, "invalid"), (403, "invalid"), (429, "unknown"), (500, "unknown"), (503, "unknown"), (302, "unknown")]
        {
            fake.answers(ProviderAnswer::Status(status, format!("{{\"echo\":\"{}\"}}", case.key)));
            let answer = house.test(case.provider).await;
            tells_nothing(&answer.text(), case.key);
            assert_eq!(answer.expect(200)["status"], verdict, "{} {status}", case.provider);
            assert_eq!(house.key(case.provider).await["test_status"], verdict, "{} {status}", case.provider);
        }
    }
    for (provider, status, body, verdict) in [
        ("cohere", 200, "{\"valid\": false}", "invalid"),
        ("cohere", 200, "{\"valid\": true}", "valid"),
        ("google", 400, "{\"error\":{\"details\":[{\"reason\": \"API_KEY_INVALID\"}]}}", "invalid"),
        ("google", 400, "{\"error\":{\"details\":[{\"reason\": \"OTHER\"}]}}", "unknown"),
        ("xai", 200, "{\"api_key_blocked\": true}", "invalid"),
        ("xai", 200, "{\"api_key_blocked\": false}", "valid"),
    ] {
        fake.answers(ProviderAnswer::Status(status, body.to_owned()));
        assert_eq!(house.test(provider).await.expect(200)["status"], verdict, "{provider} {status} {body}");
    }
    // A server that takes everybody.
    fake.answers(ProviderAnswer::status(200));
    for provider in ["custom", "ollama", "azure_openai"] {
        assert_eq!(house.test(provider).await.expect(200)["status"], "unknown", "{provider}");
    }
}

/// A provider that is slow, silent, endless or talks nonsense delays an answer, and is never taken for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_misbehaves_is_unknown_or_an_error_in_time() {
    let fake = FakeProvider::start();
    let app = TestApp::builder()
        .providers(&fake)
        .config(|config| config.byok.timeout = Duration::from_millis(1500))
        .start()
        .await;
    let house = House::new(&app, "ada").await;
    house.add("openai", super::OPENAI).await;
    // What its answer says is of importance.
    house.add("cohere", "canary4Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P").await;
    let second = Duration::from_secs(1);
    for (answer, openai, cohere) in [
        (ProviderAnswer::Silence, "error", "error"),
        // The head of a good answer is a good answer, where the rest does not matter.
        (ProviderAnswer::Endless(vec![b' '; 64 * 1024], Duration::ZERO), "valid", "unknown"),
        (ProviderAnswer::Endless(vec![b' '], second), "valid", "unknown"),
        (ProviderAnswer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort".to_vec()), "valid", "unknown"),
        (ProviderAnswer::Bytes(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), "error", "error"),
        (ProviderAnswer::Bytes(Vec::new()), "error", "error"),
        (
            ProviderAnswer::Bytes([b"HTTP/1.1 200 OK\r\nX-Long: ".as_slice(), &vec![b'x'; 1 << 20]].concat()),
            "error",
            "error",
        ),
    ] {
        fake.answers(answer.clone());
        for (provider, verdict) in [("openai", openai), ("cohere", cohere)] {
            let began = Instant::now();
            let tested = house.test(provider).await.expect(200);
            assert!(began.elapsed() < 4 * second, "{provider} took {:?}", began.elapsed());
            let what = format!("{answer:.80?}");
            assert_eq!(
                (&tested["status"], &tested["success"]),
                (&json!(verdict), &json!(verdict == "valid")),
                "{provider} {what}: {tested}"
            );
        }
    }
    fake.answers(ProviderAnswer::Bytes(
        b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
    ));
    fake.take();
    assert_eq!(house.test("openai").await.expect(200)["status"], "unknown");
    assert_eq!(fake.take().len(), 1, "nobody is sent on");
}
