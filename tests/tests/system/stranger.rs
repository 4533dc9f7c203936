//! Nobody gets anything without a session, whatever they call themselves (ASVS 4.1.3; no identity from headers).

use crate::crawl::document::{Document, Operation};
use crate::crawl::sample::Subject;
use crate::crawl::site::Site;
use crate::crawl::wire::{Answer, Call};

/// What anybody may call. This list may only become shorter. Webhooks are proved by a signature: `billing/signature.rs`.
const OPEN: [&str; 19] = [
    "GET /api/v1/auth/csrf-token",
    "GET /api/v1/auth/password-policy",
    "GET /api/v1/services/access-matrix",
    "GET /api/v1/subscriptions/plans",
    "GET /api/v1/subscriptions/plans/{id}",
    "GET /api/v1/subscriptions/services",
    "GET /api/v1/system/status",
    "GET /api/v1/tier-check/health",
    "GET /api/v1/tiers/features",
    "GET /api/v1/tiers/info",
    "GET /avatars/{file}",
    "GET /health",
    "GET /livez",
    "GET /openapi.json",
    "GET /readyz",
    "POST /api/v1/auth/login",
    "POST /api/v1/billing/webhooks/stripe",
    "POST /api/v1/webhooks/lago",
    "POST /api/v1/webhooks/stripe",
];

/// What an API key that is none is answered with.
const WRONG_KEY: &str = "401 invalid_api_key";

/// What a stranger may try to pass for a session.
fn disguises(owner: &crate::crawl::person::Person) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let (cookie, id, email) = (owner.cookie(), owner.id.clone(), owner.email.clone());
    let name = cookie.split('=').next().unwrap().to_owned();
    let value = cookie.split_once('=').unwrap().1.to_owned();
    let tag = value.split('.').next().unwrap().to_owned();
    let flipped: String = value.chars().rev().collect();
    let one = |header: &'static str, value: String| vec![(header, value)];
    vec![
        ("nothing", vec![]),
        ("an empty cookie", one("Cookie", format!("{name}="))),
        ("a garbage cookie", one("Cookie", format!("{name}=garbage"))),
        ("a cookie that could be one", one("Cookie", format!("{name}={tag}.{}", "A".repeat(43)))),
        ("a cookie of the right tag only", one("Cookie", format!("{name}={tag}"))),
        ("a cookie turned round", one("Cookie", format!("{name}={flipped}"))),
        ("a cookie under another name", one("Cookie", format!("session_token={value}"))),
        ("a cookie that is the user's id", one("Cookie", format!("{name}={id}"))),
        ("a cookie of bytes", one("Cookie", format!("{name}=\u{ff}\u{fe}"))),
        ("a bearer", one("Authorization", "Bearer junk".to_owned())),
        ("the cookie as a bearer", one("Authorization", format!("Bearer {value}"))),
        ("basic authentication", one("Authorization", "Basic YWRtaW46YWRtaW4=".to_owned())),
        ("an API key", one("X-API-Key", "oc_junk".to_owned())),
        ("X-User-Email", one("X-User-Email", email.clone())),
        ("X-User-Id", one("X-User-Id", id.clone())),
        ("X-Forwarded-User", one("X-Forwarded-User", owner.username.clone())),
        ("Remote-User", one("Remote-User", owner.username.clone())),
        ("X-Tenant-ID", one("X-Tenant-ID", "x' OR '1'='1".to_owned())),
        ("X-On-Behalf-Of", one("X-On-Behalf-Of", id.clone())),
        (
            "all of them",
            [
                "X-User-Email",
                "X-User-Id",
                "X-Forwarded-User",
                "Remote-User",
                "X-Remote-User",
                "X-Forwarded-Email",
                "X-Auth-Request-User",
            ]
            .map(|header| (header, if header.ends_with("Email") { email.clone() } else { id.clone() }))
            .to_vec(),
        ),
    ]
}

fn dressed(call: Call, disguise: &[(&'static str, String)]) -> Call {
    disguise.iter().fold(call, |call, (name, value)| call.header(name, value))
}

fn refused(answer: &Answer) -> bool {
    let body = answer.json();
    ["401 unauthenticated", WRONG_KEY].contains(&answer.verdict().as_str())
        && body["status"] == 401
        && body["request_id"].is_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_401_everywhere_but_on_a_list_that_may_only_shrink() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let owner = site.account("owner").await;
    owner.sign_in().await;
    let org = owner.found("Not for strangers").await;
    let subject = Subject { org, member: owner.id.clone(), ..Subject::nothing() };

    let mut open = Vec::new();
    let mut wrong = Vec::new();
    for operation in &document.operations {
        if OPEN.contains(&operation.name().as_str()) {
            open.push(operation.name());
            continue;
        }
        for (disguise, headers) in disguises(&owner) {
            for (sort, call) in shapes(operation, &subject) {
                // From an address of its own each: guessing keys is slowed down.
                let call = dressed(call, &headers).header("X-Forwarded-For", site.address());
                let answer = site.wire.send(call).await;
                if !refused(&answer) {
                    wrong.push(format!("{} with {disguise} and {sort}: {}", operation.name(), answer.verdict()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "strangers got through:\n{}", wrong.join("\n"));
    open.sort();
    assert_eq!(open, OPEN, "the list of what anybody may call");
}

fn shapes(operation: &Operation, subject: &Subject) -> Vec<(&'static str, Call)> {
    let target = subject.target(operation);
    vec![
        ("no body", operation.call(target.clone())),
        ("a junk body", operation.call(target.clone()).body("application/json", "{\"junk\": [1e999")),
        ("a body of no kind", operation.call(target).body("no/kind; \u{ff}", [0, 159, 146, 150])),
        ("a good request", subject.call(operation)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stranger_calls_themselves_changes_no_answer() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let owner = site.account("owner").await;
    let other = site.account("other").await;
    owner.sign_in().await;
    other.sign_in().await;
    for operation in document.operations.iter().filter(|operation| OPEN.contains(&operation.name().as_str())) {
        let mut verdicts = Vec::new();
        for (count, (_, headers)) in disguises(&owner).into_iter().enumerate() {
            let subject = Subject { newcomer: format!("n{count}@example.test"), ..Subject::nothing() };
            let call = subject.call(operation).header("X-Forwarded-For", site.address());
            let answer = site.wire.send(dressed(call, &headers)).await;
            assert!(!answer.text().contains(&owner.email), "{}", operation.name());
            // A key of ours that is wrong is told so, even where nobody needs one: its owner is to notice.
            if answer.verdict() != WRONG_KEY {
                verdicts.push(answer.verdict());
            }
        }
        verdicts.dedup();
        assert_eq!(verdicts.len(), 1, "{}: {verdicts:?}", operation.name());
    }
    // Beside a cookie that is somebody's, all of this is just as little.
    let me = other.get("/api/v1/auth/me").await;
    for (disguise, headers) in
        disguises(&owner).into_iter().filter(|(_, headers)| headers.iter().all(|(name, _)| *name != "Cookie"))
    {
        let answer = other.send(dressed(Call::get("/api/v1/auth/me"), &headers)).await;
        // A key counts before the cookie, so a wrong one is nobody's.
        if answer.verdict() == WRONG_KEY {
            continue;
        }
        assert_eq!(answer.ok(), me, "with {disguise}");
    }
}
