//! No page of somebody else's changes anything (CSRF-1), and no operation is exempt (CSRF-2).

mod shape;

use std::process::Command;

use serde_json::{Value, json};

use self::shape::{Shape, Tokens, shapes};
use crate::crawl::document::{Document, Operation};
use crate::crawl::person::Person;
use crate::crawl::sample::{FOR_KEYS, Subject};
use crate::crawl::site::Site;
use crate::crawl::wire::{Answer, Call};

/// What the policy is not for: a signature proves who sends, and a cookie means nothing there. This list may only become shorter.
const EXEMPT: [&str; 3] =
    ["POST /api/v1/billing/webhooks/stripe", "POST /api/v1/webhooks/stripe", "POST /api/v1/webhooks/lago"];

/// The paths of these, and one that may be exempt one day: the identity provider's sign-out.
const WOULD_BE_EXEMPT: [&str; 3] =
    ["/api/v1/billing/webhooks/stripe", "/api/v1/webhooks/lago", "/auth/backchannel-logout"];

const LOGIN: &str = "POST /api/v1/auth/login";
const LOGOUT: &str = "POST /api/v1/auth/logout";

/// The operations that the policy is for.
fn checked(document: &Document) -> impl Iterator<Item = &Operation> {
    document.unsafe_operations().filter(|operation| !EXEMPT.contains(&operation.name().as_str()))
}

/// Somebody who may do everything: a platform admin with an organization of their own.
struct Stage {
    admin: Person,
    subject: Subject,
}

impl Stage {
    async fn set(site: &Site) -> Self {
        let admin = site.admin().await;
        let member = site.account("member").await;
        admin.sign_in().await;
        let org = admin.found("Not to be changed").await;
        admin.enter(&org).await;
        admin.add(&org, &member, "member").await;
        let invitation = admin.invite(&org, "invited@example.test", "member").await;
        let own = admin.elsewhere().await.get("/api/v1/auth/sessions").await["sessions"].as_array().unwrap().clone();
        let other =
            own.iter().find(|session| session["is_current"] == true).unwrap()["id"].as_str().unwrap().to_owned();
        let subject = Subject {
            org,
            member: member.id,
            invitation,
            session: other,
            newcomer: "newcomer@example.test".to_owned(),
        };
        Self { admin, subject }
    }

    /// Everything that a request could have changed.
    async fn state(&self) -> Value {
        let org = &self.subject.org;
        let sessions = self.admin.get("/api/v1/auth/sessions").await;
        let sessions: Vec<&Value> =
            sessions["sessions"].as_array().unwrap().iter().map(|session| &session["id"]).collect();
        json!({
            "info": self.admin.get(&format!("/api/v1/org/{org}")).await,
            "members": self.admin.get(&format!("/api/v1/org/{org}/members")).await["members"].as_array().unwrap().iter()
                .map(|member| json!([member["id"], member["role"], member["status"]])).collect::<Vec<_>>(),
            "invitations": self.admin.get(&format!("/api/v1/org/{org}/invitations")).await,
            "settings": self.admin.get(&format!("/api/v1/org/{org}/settings")).await,
            "profile": without(self.admin.get("/api/v1/auth/profile").await, "last_login"),
            "notifications": self.admin.get("/api/v1/auth/notifications").await,
            "orgs": self.admin.get("/api/v1/org/my-orgs").await,
            "sessions": sessions,
        })
    }
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_shapes_of_the_policy_pass_and_nothing_else_changes_anything() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let stage = Stage::set(&site).await;
    let other = stage.admin.elsewhere().await.csrf_token().await;
    let tokens = Tokens { right: stage.admin.csrf_token().await, other };
    let shapes = shapes(&site.origin, &tokens);
    assert!(shapes.len() >= 40, "{} shapes", shapes.len());

    let before = stage.state().await;
    let mut wrong = Vec::new();
    for operation in checked(&document) {
        for (number, shape) in shapes.iter().filter(|shape| !allowed(operation, shape)).enumerate() {
            let call = requested(operation, &stage.subject, number);
            let answer = stage.admin.send_plain(shape.on(call)).await;
            if answer.verdict() != refusal(operation) {
                wrong.push(format!("{} with {}: {}", operation.name(), shape.name, answer.verdict()));
            }
        }
    }
    assert!(wrong.is_empty(), "let through:\n{}", wrong.join("\n"));
    assert_eq!(stage.state().await, before, "refused requests have changed something");

    for operation in checked(&document) {
        for (number, shape) in shapes.iter().filter(|shape| allowed(operation, shape)).enumerate() {
            let answer = passing(&site, &stage, operation, shape, number).await;
            let for_keys = FOR_KEYS.contains(&operation.name().as_str()) && answer.verdict() != refusal(operation);
            if answer.code() == "csrf_failed" || answer.status >= 500 || for_keys {
                wrong.push(format!("{} with {}: {}", operation.name(), shape.name, answer.verdict()));
            }
        }
    }
    assert!(wrong.is_empty(), "not let through:\n{}", wrong.join("\n"));
}

fn refusal(operation: &Operation) -> &'static str {
    if FOR_KEYS.contains(&operation.name().as_str()) { "403 api_key_required" } else { "403 csrf_failed" }
}

fn allowed(operation: &Operation, shape: &Shape) -> bool {
    if operation.name() == LOGIN { shape.may_sign_in } else { shape.passes }
}

/// The request as it would take effect.
fn requested(operation: &Operation, subject: &Subject, number: usize) -> Call {
    let subject = Subject { newcomer: format!("newcomer{number}@example.test"), ..subject.clone() };
    subject.call(operation)
}

/// A request that ends at 404 or 422 after it has passed; its own session for the sign-out.
async fn passing(site: &Site, stage: &Stage, operation: &Operation, shape: &Shape, number: usize) -> Answer {
    let subject =
        Subject { org: stage.subject.org.clone(), newcomer: format!("n{number}@example.test"), ..Subject::nothing() };
    let mut call = subject.call(operation);
    if operation.name() == "DELETE /api/v1/org/{org_id}" {
        call.target = call.target.replace("?confirm=true", "");
    } else if operation.takes_json() && operation.name() != LOGIN {
        call = call.json(&json!({"settings": 7}));
    }
    if operation.name() == LOGIN {
        return Person::stranger(&site.wire, &site.address()).send_plain(shape.on(call)).await;
    }
    if operation.name() != LOGOUT {
        return stage.admin.send_plain(shape.on(call)).await;
    }
    let leaving = stage.admin.elsewhere().await;
    let token = leaving.csrf_token().await;
    let mut call = shape.on(call);
    for (name, value) in &mut call.headers {
        if name.eq_ignore_ascii_case("x-csrf-token") && value != b"wrong" {
            *value = token.clone().into_bytes();
        }
    }
    leaving.send_plain(call).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_round_the_check() {
    let site = Site::open().await;
    let stage = Stage::set(&site).await;
    let before = stage.state().await;
    let target = "auth/profile";
    let org = &stage.subject.org;
    let mut paths = Vec::new();
    for entry in WOULD_BE_EXEMPT {
        let up = "../".repeat(entry.matches('/').count());
        let encoded = "%2e%2e/".repeat(entry.matches('/').count());
        let twice = "%252e%252e/".repeat(entry.matches('/').count());
        paths.extend([
            format!("{entry}/{up}api/v1/{target}"),
            format!("{entry}/{encoded}api/v1/{target}"),
            format!("{entry}/{twice}api/v1/{target}"),
            format!("{entry}%2f{up}api/v1/{target}"),
            format!("{entry}/;/../{up}api/v1/{target}"),
            format!("{entry};/api/v1/{target}"),
            format!("{entry}\\..\\..\\api\\v1\\auth\\profile"),
            format!("/api/v1/{target};{entry}"),
            format!("/api/v1/{target}?path={entry}"),
            format!("/api/v1/{target}/"),
            format!("/api/v1//{target}"),
            format!("//api/v1/{target}"),
            format!("/API/V1/{target}"),
            format!("/api/v1/./{target}"),
            format!("/api/v1/org/../{target}"),
            format!("/api/v1/org/{org}/settings?{entry}"),
            format!("/api/v1/org/{org}/settings#{entry}"),
            format!("{entry}x/../{target}"),
            format!("http://evil.example{entry}"),
            format!("http://evil.example/api/v1/{target}"),
        ]);
    }
    let body = json!({"display_name": "Mallory", "name": "Mallory"});
    for path in paths {
        for method in ["PUT", "POST"] {
            for headers in [[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")].as_slice(), &[]] {
                let call = headers
                    .iter()
                    .fold(Call::new(method, path.as_str()).json(&body), |call, (name, value)| call.header(name, value));
                let answer = stage.admin.send_plain(call).await;
                let harmless = answer.verdict() == "403 csrf_failed" || [400, 404, 405].contains(&answer.status);
                assert!(harmless, "{method} {path}: {}", answer.verdict());
            }
        }
    }
    assert_eq!(stage.state().await, before);
}

#[test]
fn the_program_says_what_is_exempt() {
    #[expect(clippy::disallowed_methods, reason = "scripts/test says here where the program is")]
    let program = std::env::var("OPS_CENTER_TEST_BINARY");
    let Ok(program) = program else {
        assert!(option_env!("CI").is_none(), "OPS_CENTER_TEST_BINARY is not set: run scripts/test");
        eprintln!("skipped: OPS_CENTER_TEST_BINARY is not set; scripts/test sets it");
        return;
    };
    let done = Command::new(program).args(["routes", "--csrf-exempt"]).output().expect("the program runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let listed = String::from_utf8(done.stdout).expect("text");
    let listed: Vec<&str> = listed.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(listed, EXEMPT, "the list of exempt operations may only become shorter");
}
