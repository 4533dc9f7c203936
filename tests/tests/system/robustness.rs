//! No input is our fault (API-2), everything has a size (API-5), and nobody waits for slow bodies (TR7, TR8).

mod limits;
mod payload;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::payload::{Payload, corpus};
use crate::crawl::document::{Document, Operation};
use crate::crawl::person::Person;
use crate::crawl::sample::{NO_ORG, Subject, body, keyed, strings};
use crate::crawl::site::Site;
use crate::crawl::wire::Call;

/// Under every further path of an operation every so manieth payload is tried: the handler is the same.
const ALIAS_STRIDE: usize = 12;
/// So are parameters that all operations share.
const SHARED_STRIDE: usize = 6;
/// A field alone gets every so manieth payload, beside those that all fields get at once.
const FIELD_STRIDE: usize = 3;
/// Stands where a payload is to be.
const MARK: &str = "\u{1f998} here \u{1f998}";
/// Requests at once.
const LANES: usize = 4;

/// Somebody who may do everything, and an organization to do it in.
struct Stage {
    admin: Person,
    subject: Subject,
}

async fn stage(site: &Site) -> Stage {
    let admin = site.admin().await;
    admin.sign_in().await;
    let org = admin.found("Robust").await;
    admin.enter(&org).await;
    Stage { admin, subject: Subject { org, ..Subject::nothing() } }
}

/// A request that is not yet written: who sends it is decided when it is.
type Cases = Vec<Call>;

/// The string members of a body with a payload: in all of them, in each that has its turn while the others are good, and the payload
/// as the whole body.
fn bodies(operation: &Operation, subject: &Subject, payload: &Payload, index: usize) -> Cases {
    let Some(mut sample) = body(operation, subject) else { return Vec::new() };
    if sample.get("current_password").is_some() {
        // A payload that is a good password must not become one.
        sample["current_password"] = json!("not the present one");
    }
    let written = |pointers: &[String]| {
        let mut with = sample.clone();
        for pointer in pointers {
            *with.pointer_mut(pointer).unwrap() = json!(MARK);
        }
        with.to_string().replace(&Value::from(MARK).to_string(), &payload.json)
    };
    let every = strings(&sample);
    let mut texts = vec![payload.json.clone(), written(&every)];
    let in_turn = every.iter().enumerate().filter(|(number, _)| (index + number).is_multiple_of(FIELD_STRIDE));
    texts.extend(in_turn.map(|(_, pointer)| written(std::slice::from_ref(pointer))));
    texts.into_iter().map(|text| operation.call(subject.target(operation)).body("application/json", text)).collect()
}

/// The parameters of path and query, with a payload in each in turn. The organization, and names that nobody knows, are read in the
/// same place for every operation: they are tried only when it is `their_turn`.
fn parameters(operation: &Operation, subject: &Subject, payload: &Payload, their_turn: bool) -> Cases {
    let Some(encoded) = payload.encoded.as_deref().filter(|encoded| encoded.len() < 8000) else { return Vec::new() };
    let sample = |call: Call| match body(operation, subject) {
        Some(body) => call.json(&body),
        None => call,
    };
    // A deletion that is confirmed is of nothing.
    let deletes = operation.name() == "DELETE /api/v1/org/{org_id}";
    let whole = subject.target(operation).replace("?confirm=true", "");
    let whole = if deletes { whole.replace(&subject.org, NO_ORG) } else { whole };
    let mut cases = Vec::new();
    for placeholder in operation.placeholders().into_iter().filter(|name| their_turn || *name != "org_id") {
        let kept = |name: &str| match name {
            "org_id" => subject.org.clone(),
            "id" => subject.id(operation).to_owned(),
            _ => String::new(),
        };
        let path = operation.at(|name| if name == placeholder { encoded.to_owned() } else { kept(name) });
        cases.push(sample(operation.call(path)));
    }
    let mut names: Vec<String> = operation.query().into_iter().filter(|name| their_turn || name != "org_id").collect();
    names.extend([encoded.to_owned()].into_iter().filter(|_| their_turn && !operation.is_unsafe()));
    let separator = if whole.contains('?') { '&' } else { '?' };
    cases.extend(names.iter().map(|name| sample(operation.call(format!("{whole}{separator}{name}={encoded}")))));
    cases
}

/// Headers that somebody reads.
fn headers(payload: &Payload) -> Cases {
    let names = [
        "Cookie",
        "User-Agent",
        "X-Request-ID",
        "X-Forwarded-For",
        "X-CSRF-Token",
        "Origin",
        "Idempotency-Key",
        "Accept",
        "Referer",
    ];
    let text: String = serde_json::from_str(&payload.json).unwrap_or_default();
    let visible: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_control()).take(6000).collect();
    let (sign_in, made) = (Call::new("POST", "/api/v1/auth/login"), Call::new("POST", "/api/v1/org"));
    let mut cases: Cases = vec![sign_in.clone().body(&String::from_utf8_lossy(&visible), "{}")];
    for call in
        [Call::get("/api/v1/auth/session"), sign_in.body("application/json", "{}"), made.body("application/json", "{}")]
    {
        cases.push(names.iter().fold(call, |call, name| call.header(name, &visible)));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_input_is_answered_with_a_fault_of_ours() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let Stage { admin, subject } = stage(&site).await;
    let corpus = corpus();
    assert!(corpus.len() >= 400, "{} payloads", corpus.len());
    let mut cases = Vec::new();
    let operations = document.operations.iter().filter(|operation| operation.name() != "POST /api/v1/auth/logout");
    for (number, operation) in operations.enumerate() {
        let stride = if operation.is_alias() { ALIAS_STRIDE } else { 1 };
        for (index, payload) in corpus.iter().enumerate().filter(|(index, _)| (index + number).is_multiple_of(stride)) {
            let subject = Subject { newcomer: format!("newcomer{number}.{index}@example.test"), ..subject.clone() };
            cases.extend(bodies(operation, &subject, payload, index));
            cases.extend(parameters(operation, &subject, payload, (index + number).is_multiple_of(SHARED_STRIDE)));
        }
    }
    cases.extend(corpus.iter().flat_map(headers));
    // These end or renew the session of whoever sends them.
    cases.retain(|call| !call.target.ends_with("/sessions/all") && !call.target.ends_with("/sessions/others"));
    let count = cases.len();
    let statuses = send_all(&admin, cases).await;
    assert!(statuses.values().sum::<usize>() + 20 >= count, "{count} requests, answers: {statuses:?}");
    for expected in [200, 400, 401, 404, 413, 415, 422] {
        assert!(statuses.contains_key(&expected), "nothing was answered with {expected}: {statuses:?}");
    }
    assert_eq!(admin.send(Call::get("/api/v1/org/info")).await.status, 200, "and afterwards all is well");
}

/// Sends all of them in a few sessions at once; counts the statuses, and panics at the first that is our fault.
async fn send_all(admin: &Person, cases: Cases) -> BTreeMap<u16, usize> {
    let mut lanes = Vec::new();
    for part in cases.chunks(cases.len().div_ceil(LANES)) {
        let (person, part) = (admin.elsewhere().await, part.to_vec());
        lanes.push(tokio::spawn(async move {
            let mut statuses = BTreeMap::new();
            for call in part {
                // What is no HTTP may be cut off without an answer; that is counted by whoever called.
                let call = call.header("Sec-Fetch-Site", "same-origin");
                let Some(answer) = person.sent(&call).await else { continue };
                let sent: String = String::from_utf8_lossy(&call.body).chars().take(300).collect();
                assert!(
                    answer.status < 500,
                    "{} {}: {} {} to {sent}",
                    call.method,
                    call.target,
                    answer.status,
                    answer.text()
                );
                *statuses.entry(answer.status).or_insert(0) += 1;
            }
            assert_eq!(person.send(Call::get("/api/v1/org/info")).await.status, 200, "the session has survived");
            statuses
        }));
    }
    let mut all = BTreeMap::new();
    for lane in lanes {
        for (status, count) in lane.await.expect("no fault of ours") {
            *all.entry(status).or_insert(0) += count;
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_stored_comes_back_as_it_was() {
    testkit::TestApp::each(|app| async move {
        let site = Site::of(app);
        let Stage { admin, .. } = stage(&site).await;
        for payload in corpus().iter().filter(|payload| payload.encoded.is_some()) {
            let text: String = serde_json::from_str(&payload.json).unwrap();
            let answer = admin.send(Call::new("PUT", "/api/v1/auth/profile").json(&json!({"bio": text}))).await;
            let expected = if text.trim().is_empty() { Value::Null } else { json!(text.trim()) };
            let shown: String = text.chars().take(40).collect();
            match answer.status {
                200 => assert_eq!(admin.get("/api/v1/auth/profile").await["bio"], expected, "{shown:?}"),
                422 => {
                    assert!(text.chars().count() > 500 || text.chars().any(char::is_control), "{shown:?} was refused");
                }
                413 => assert!(text.len() > 10_000),
                other => panic!("{shown:?}: {other}"),
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_given_twice_is_refused() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let Stage { admin, subject } = stage(&site).await;
    let key = admin.platform_key().await;
    for operation in document.operations.iter().filter(|operation| operation.takes_json()) {
        let sample = body(operation, &subject).unwrap();
        // Where nothing must be said, a field that may be.
        let optional = ("user_id".to_owned(), json!(subject.member));
        let (name, value) = sample.as_object().unwrap().iter().next().unwrap_or((&optional.0, &optional.1));
        let rest = sample.to_string()[1..].trim_start_matches('}').to_owned();
        let rest = if rest.is_empty() { format!("{}:{value}}}", json!(name)) } else { rest };
        let twice = format!("{{{}:{value},{rest}", json!(name));
        let call = operation.call(subject.target(operation)).body("application/json", twice);
        let answer = admin.send(keyed(call, operation, &key)).await;
        assert_eq!(answer.status, 422, "{} with {name} twice: {}", operation.name(), answer.text());
        assert_eq!(answer.json()["errors"][0]["code"], "duplicate_field", "{}: {}", operation.name(), answer.text());
    }
}
