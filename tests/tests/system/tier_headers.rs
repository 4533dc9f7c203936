//! API.md, section 5: every answer of usage and decision routes tells the plan and what was used of it, whatever else it says.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Request, TestApp, TestUser};

use crate::crawl::document::Document;
use crate::rig::service::Service;

const NAMES: [&str; 5] = ["x-tier", "x-tier-status", "x-api-calls-used", "x-api-calls-limit", "x-api-calls-remaining"];
const GONE: &str = "rsv_01890a5d-ac96-774b-bcce-b302099a8057";

/// Who sends it.
#[derive(Clone, Copy)]
enum By {
    Owner,
    Service,
}
use By::{Owner as Person, Service as Key};

/// An operation, what is sent to it, and the statuses that this must lead to.
type Row = (&'static str, By, Vec<(&'static str, Option<Value>, u16)>);

/// The operations of these areas. One that is not named here fails the test.
fn rows() -> Vec<Row> {
    let chat = || Some(json!({ "service": "chat" }));
    let closed = || Some(json!({ "service": "bolt" }));
    let unknown = || Some(json!({ "service": "no-such" }));
    let none = Some(json!({ "service": "chat", "quantity": 0 }));
    let much = || Some(json!({ "service": "chat", "quantity": 999 }));
    let batch = Some(json!({ "events": [chat(), closed()] }));
    let read = |operation| (operation, Person, vec![("", None, 200)]);
    vec![
        (
            "POST /api/v1/usage/track",
            Key,
            vec![
                ("", chat(), 200),
                ("", closed(), 403),
                ("", unknown(), 404),
                ("", none.clone(), 422),
                ("", much(), 429),
            ],
        ),
        ("POST /api/v1/usage/track/batch", Key, vec![("", batch, 200), ("", Some(json!({ "events": [] })), 422)]),
        ("POST /api/v1/usage/reset-demo", Person, vec![("", None, 200)]),
        read("GET /api/v1/usage/current"),
        read("GET /api/v1/usage/summary"),
        read("GET /api/v1/usage/quota"),
        read("GET /api/v1/usage/limits"),
        read("GET /api/v1/usage/features"),
        ("GET /api/v1/usage/history", Person, vec![("", None, 200), ("?days=0", None, 422)]),
        read("GET /api/v1/usage/daily"),
        read("GET /api/v1/usage/export"),
        (
            "POST /api/v1/decide",
            Key,
            vec![("", chat(), 200), ("", closed(), 200), ("", much(), 200), ("", unknown(), 404), ("", none, 422)],
        ),
        ("POST /api/v1/usage/reservations/{id}/settle", Key, vec![("", Some(json!({ "quantity": 1 })), 404)]),
        ("DELETE /api/v1/usage/reservations/{id}", Key, vec![("", None, 404)]),
        ("GET /api/v1/rate-limit/check", Key, vec![("", None, 200)]),
        (
            "GET /api/v1/check-tier",
            Key,
            vec![("?service=chat", None, 200), ("?service=bolt", None, 403), ("?service=no-such", None, 404)],
        ),
        ("GET /api/v1/user/tier", Key, vec![("", None, 200)]),
        ("POST /api/v1/subscriptions/check-access/{service}", Key, vec![("", None, 200)]),
    ]
}

fn is_of_these_areas(path: &str) -> bool {
    let areas = ["usage/", "decide", "rate-limit/", "check-tier", "user/tier", "subscriptions/check-access/"];
    path.strip_prefix("/api/v1/").is_some_and(|rest| areas.iter().any(|area| rest.starts_with(area)))
}

fn asked(
    owner: &TestUser,
    service: &Service,
    by: By,
    operation: &str,
    (query, body): (&str, &Option<Value>),
) -> Request {
    let (method, path) = operation.split_once(' ').expect("a method");
    let path = path.replace("{id}", GONE).replace("{service}", "chat") + query;
    let request = match by {
        By::Owner => owner.request(Method::from_bytes(method.as_bytes()).expect("a method"), &path),
        By::Service if method == "GET" => service.get(&path),
        By::Service if method == "DELETE" => service.delete(&path),
        By::Service => service.post(&path),
    };
    match body {
        Some(body) => request.json(body),
        None => request,
    }
}

#[track_caller]
fn told(answer: &Answer, tier: &str) {
    let told = NAMES.map(|name| answer.header(name).unwrap_or_else(|| panic!("{}: no {name}", answer.of)));
    assert_eq!(told[..2], [tier, "active"], "{}", answer.of);
    let [used, limit, left] = [told[2], told[3], told[4]].map(|text| text.parse::<i64>().expect("a number"));
    assert!(limit == 1_000 && used >= 0 && (0..=limit).contains(&left), "{}: {told:?}", answer.of);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_usage_and_decision_tells_the_tier_and_what_was_used() {
    let config = |config: &mut ops_center::config::Config| {
        config.plans.default = "free".parse().expect("a plan's name");
        config.rate_limit.enabled = false;
    };
    TestApp::each_with(config, |app| async move {
        let owner = app.owner("ada@x.test", "Acme").await;
        let org = owner.get("/api/v1/org/info").await.expect(200)["id"].as_str().expect("an id").to_owned();
        let service = Service::of(&owner, &org, &["usage:write", "entitlements:read"]).await;
        let rows = rows();
        let document = Document::read(Client::new(&app.base).get("/openapi.json").await.expect(200));
        for operation in document.operations.iter().filter(|operation| is_of_these_areas(&operation.path)) {
            let name = operation.name();
            assert!(rows.iter().any(|(known, ..)| *known == name), "{name} is new: say here what is sent to it");
        }
        for (operation, by, sent) in &rows {
            for (query, body, status) in sent {
                let answer = asked(&owner, &service, *by, operation, (*query, body)).await;
                assert_eq!(answer.status, *status, "{operation}{query}: {}", answer.text());
                told(&answer, "free");
            }
        }
        // An organization that is only named tells nothing.
        let foreign = app.owner("eve@x.test", "Evil").await;
        let answer = foreign.get(&format!("/api/v1/usage/quota?org_id={org}")).await;
        assert_eq!((answer.status, answer.header("x-tier")), (404, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_the_rate_tells_the_tier_too() {
    let config =
        |config: &mut ops_center::config::Config| config.plans.default = "free".parse().expect("a plan's name");
    TestApp::each_with(config, |app| async move {
        let owner = app.owner("ada@x.test", "Acme").await;
        let mut answers = Vec::new();
        for _ in 0..15 {
            answers.push(owner.get("/api/v1/usage/limits").await);
        }
        assert!(answers.iter().any(|answer| answer.status == 429), "ten a minute");
        for answer in &answers {
            told(answer, "free");
        }
    })
    .await;
}
