//! What every answer carries and what none does: security headers (HDR-1), cookies (SES-2), problems that say nothing (API-10), and
//! the request's id.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpServer, web};
use http_api::Raw;
use http_api::endpoint::Endpoint;
use http_api::problem::Problem;
use testkit::TestApp;

use crate::crawl::document::Document;
use crate::crawl::person::Person;
use crate::crawl::sample::Subject;
use crate::crawl::site::Site;
use crate::crawl::wire::{Answer, Call, Exchange, Wire};

/// What is wrong with an answer, one sentence each.
pub(crate) fn faults(Exchange { call, answer }: &Exchange) -> Vec<String> {
    let mut wrong = security(answer);
    if answer.status >= 400 && call.method != "HEAD" {
        wrong.extend(problem(call, answer));
    }
    for cookie in answer.all("set-cookie") {
        wrong.extend(cookie_faults(cookie, true));
    }
    wrong.into_iter().map(|what| format!("{} {} {}: {what}", call.method, shown(&call.target), answer.status)).collect()
}

fn shown(target: &str) -> String {
    target.chars().take(100).collect()
}

fn security(answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut holds = |name: &str, fits: &dyn Fn(&str) -> bool| {
        let values: Vec<&str> = answer.all(name).collect();
        if values.len() != 1 || !fits(values[0]) {
            wrong.push(format!("{name}: {values:?}"));
        }
    };
    let picture = answer.header("content-type").is_some_and(|kind| kind.starts_with("image/"));
    let page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    holds("strict-transport-security", &|value| {
        let age = value.split(';').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
        age.is_some_and(|age| age >= 31_536_000) && value.contains("includeSubDomains")
    });
    holds("x-content-type-options", &|value| value == "nosniff");
    holds("referrer-policy", &|value| ["no-referrer", "same-origin", "strict-origin"].contains(&value));
    holds("cross-origin-opener-policy", &|value| value == "same-origin");
    holds("cross-origin-resource-policy", &|value| value == "same-origin" || (picture && value == "cross-origin"));
    holds("content-security-policy", &|value| {
        let needed = ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"];
        let closed = needed.iter().all(|directive| value.contains(directive)) && !value.contains("unsafe-eval");
        if picture { value.contains("sandbox") && value.contains("default-src 'none'") } else { closed }
    });
    holds("cache-control", &|value| {
        let catalogue = value == "public, max-age=60" && answer.header("etag").is_some();
        (picture && value.contains("immutable")) || (page && value.contains("no-")) || catalogue || value == "no-store"
    });
    holds("x-request-id", &|value| (1..=64).contains(&value.len()));
    for name in ["access-control-allow-origin", "access-control-allow-credentials", "server", "x-powered-by"] {
        if let Some(value) = answer.header(name) {
            wrong.push(format!("{name}: {value}"));
        }
    }
    wrong
}

/// Words of our insides.
const INSIDE: [&str; 26] = [
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "DELETE FROM",
    "sqlx",
    "sea_orm",
    "sea-orm",
    "rusqlite",
    "SQLITE",
    "sqlite",
    "postgres",
    "redis",
    "panicked",
    "backtrace",
    "src/",
    ".rs:",
    "::",
    "/tmp/",
    "/root",
    "/work",
    "serde",
    "actix",
    "tokio",
    "alloc",
    "struct ",
    "std",
];

fn problem(call: &Call, answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    if answer.header("content-type") != Some("application/problem+json") {
        return vec![format!("is no problem: {:?}, {}", answer.header("content-type"), shown(&answer.text()))];
    }
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{what} in {body}"));
        }
    };
    must(text("type") == format!("urn:ops-center:problem:{}", text("code")), "type");
    must(!text("title").is_empty() && text("title") != "Error", "title");
    must(body["status"] == answer.status, "status");
    must(!text("detail").is_empty() && text("message") == text("detail"), "detail and message");
    must(!text("code").is_empty() && text("error") == text("code"), "code and error");
    must(Some(text("request_id").as_str()) == answer.header("x-request-id"), "request_id");
    let path = call.target.split(['?', '#']).next().unwrap_or_default();
    must(!path.starts_with('/') || text("instance") == path, "instance");
    must((answer.status == 401) == answer.header("www-authenticate").is_some(), "WWW-Authenticate");
    let waits = answer
        .header("retry-after")
        .and_then(|seconds| seconds.parse::<u64>().ok())
        .is_some_and(|seconds| seconds >= 1);
    must(![429, 503].contains(&answer.status) || waits, "Retry-After");
    must(answer.status != 405 || answer.header("allow").is_some_and(|allow| !allow.is_empty()), "Allow");
    must(answer.status != 422 || body["errors"].as_array().is_some_and(|errors| !errors.is_empty()), "errors");
    let known: BTreeSet<&str> = [
        "type",
        "title",
        "status",
        "detail",
        "code",
        "request_id",
        "instance",
        "errors",
        "max_age",
        "authenticated",
        "message",
        "error",
    ]
    .into();
    must(
        body.as_object().is_some_and(|members| members.keys().all(|name| known.contains(name.as_str()))),
        "an unknown member",
    );
    // What the client sent may come back in `instance` and in pointers; nothing else is theirs.
    let own = format!("{} {} {} {}", text("title"), text("detail"), text("code"), errors(&body));
    for word in INSIDE {
        must(!own.contains(word), &format!("{word:?}"));
    }
    wrong
}

fn errors(body: &serde_json::Value) -> String {
    let each = |error: &serde_json::Value| format!("{} {}", error["code"], error["message"]);
    body["errors"].as_array().into_iter().flatten().map(each).collect::<Vec<_>>().join(" ")
}

/// What is wrong with a cookie (OWASP ASVS 3.3). `secure`: the site is reached over TLS.
fn cookie_faults(cookie: &str, secure: bool) -> Vec<String> {
    let mut parts = cookie.split(';').map(str::trim);
    let (name, _) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
    let mut attributes = BTreeMap::new();
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        attributes.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let is = |name: &str, value: &str| attributes.get(name).is_some_and(|given| given == value);
    let mut wrong = Vec::new();
    for (holds, what) in [
        (is("httponly", ""), "HttpOnly"),
        (is("samesite", "Lax"), "SameSite=Lax"),
        (is("path", "/"), "Path=/"),
        (!attributes.contains_key("domain"), "no Domain"),
        (is("secure", "") == secure, "Secure over TLS, and only there"),
        (name.starts_with("__Host-") == secure, "__Host- over TLS, and only there"),
        (cookie.len() < 4096, "less than 4096 bytes"),
        (["ops_session", "ops_device"].contains(&name.trim_start_matches("__Host-")), "a known name"),
    ] {
        if !holds {
            wrong.push(format!("Set-Cookie {name}: not {what}: {attributes:?}"));
        }
    }
    wrong
}

/// A member and an owner of an organization.
async fn people(site: &Site) -> (Person, Person, Subject) {
    let (owner, member) = (site.account("owner").await, site.account("member").await);
    owner.sign_in().await;
    member.sign_in().await;
    let org = owner.found("Headers").await;
    owner.add(&org, &member, "member").await;
    owner.enter(&org).await;
    let invitation = owner.invite(&org, "invited@example.test", "member").await;
    let subject = Subject { org, member: member.id.clone(), invitation, ..Subject::nothing() };
    (owner, member, subject)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_guarded_and_no_problem_tells_of_our_insides() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let (owner, member, subject) = people(&site).await;
    let stranger = Person::stranger(&site.wire, &site.address());
    for operation in &document.operations {
        // Last of all those that end what the others need.
        for person in [&stranger, &member] {
            person.send(subject.call(operation)).await;
        }
        for call in errors_of(operation, &subject) {
            owner.send(call).await;
        }
    }
    for call in lost() {
        owner.send(call).await;
    }
    for operation in document.operations.iter().filter(|operation| operation.name() != "POST /api/v1/auth/logout") {
        owner.send(subject.call(operation)).await;
    }
    let left = owner.send(Call::new("POST", "/api/v1/auth/logout")).await;
    left.ok();
    assert!(left.header("clear-site-data").is_some_and(|data| data.contains("\"storage\"")), "{left:?}");

    let exchanged = site.wire.exchanged();
    let statuses: BTreeSet<u16> = exchanged.iter().map(|exchange| exchange.answer.status).collect();
    for expected in [200, 201, 202, 400, 401, 403, 404, 405, 413, 414, 415, 422] {
        assert!(statuses.contains(&expected), "nothing was answered with {expected}: {statuses:?}");
    }
    assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
    let wrong: BTreeSet<String> = exchanged.iter().flat_map(faults).collect();
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.into_iter().take(60).collect::<Vec<_>>().join("\n"));
}

/// Requests for an operation that end in errors.
fn errors_of(operation: &crate::crawl::document::Operation, subject: &Subject) -> Vec<Call> {
    let target = subject.target(operation);
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let mut calls = vec![
        Call::new("PATCH", path.clone()),
        Call::new("TRACE", path.clone()),
        Call::new("OPTIONS", path.clone())
            .header("Origin", "https://evil.example")
            .header("Access-Control-Request-Method", "PUT"),
        Call::new("PROPFIND", path.clone()),
        operation.call(format!("{path}?{}", "q=".repeat(5000))),
    ];
    if operation.name() == "DELETE /api/v1/org/{org_id}" {
        calls.push(operation.call(path));
    }
    if operation.takes_json() {
        calls.extend([
            operation.call(target.clone()).body("text/plain", "{}"),
            operation.call(target.clone()).body("application/json", "{\"a\":"),
            operation.call(target.clone()).body("application/json", "[]"),
            operation.call(target.clone()).body("application/json", vec![b' '; 64 * 1024 + 1]),
            operation.call(target).body("application/json", "{\"no\\u0000such`field\": \"SELECT\"}"),
        ]);
    }
    calls
}

/// Requests that reach nothing.
fn lost() -> Vec<Call> {
    let paths = [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/auth/me",
        "/.env",
        "/.git/config",
        "/avatars/",
        "/%00",
        "/%ff",
        "/a%0d%0aSet-Cookie:x=y",
    ];
    let mut calls: Vec<Call> = paths.map(Call::get).to_vec();
    calls.extend(["DELETE", "HEAD", "OPTIONS", "BREW"].map(|method| Call::new(method, "/nothing")));
    calls.push(Call::new("OPTIONS", "*"));
    calls.push(Call::new("HEAD", "/health"));
    calls.push(Call::new("HEAD", "/api/v1/auth/me"));
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_are_for_this_host_over_tls_and_plain_on_loopback_only() {
    for (proxied, secure) in [(true, true), (false, false)] {
        let builder = TestApp::builder().config(|config| {
            if !proxied {
                config.server.trusted_proxies.clear();
            }
        });
        let site = Site::built(builder).await;
        let person = site.account("cookie").await;
        person.sign_in().await;
        let org = person.found("Cookies").await;
        person.enter(&org).await;
        person.send(Call::new("DELETE", "/api/v1/auth/sessions/others")).await.ok();
        let left = person.send(Call::new("POST", "/api/v1/auth/logout")).await;
        let cookies: Vec<String> = site
            .wire
            .exchanged()
            .iter()
            .flat_map(|exchange| exchange.answer.all("set-cookie").map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert!(cookies.len() >= 5, "{cookies:?}");
        let wrong: Vec<String> = cookies.iter().flat_map(|cookie| cookie_faults(cookie, secure)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let gone =
            left.all("set-cookie").find(|cookie| cookie.contains("ops_session=;")).expect("the cookie taken away");
        assert!(gone.contains("Max-Age=0"), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_id_is_taken_when_it_is_a_token_and_made_otherwise() {
    let site = Site::open().await;
    let long = "a".repeat(64);
    let longer = "a".repeat(65);
    let taken = ["0192f0c1-7b1a-7cde-8f00-0123456789ab", "abc", "A-1_2.3~4", "!#$%&'*+-.^_`|~", long.as_str()];
    let refused: [&[u8]; 12] = [
        b"",
        b"two words",
        b"a\tb",
        b"a,b",
        b"a;b",
        b"\"quoted\"",
        b"a/b",
        b"a:b",
        "ä".as_bytes(),
        b"\xff\xfe",
        longer.as_bytes(),
        b"<script>",
    ];
    for id in taken {
        for target in ["/health", "/nothing", "/api/v1/auth/me"] {
            let answer = site.wire.send(Call::get(target).header("X-Request-ID", id)).await;
            assert_eq!(answer.all("x-request-id").collect::<Vec<_>>(), [id]);
        }
    }
    let mut made = BTreeSet::new();
    for id in refused {
        let answer = site.wire.send(Call::get("/nothing").header("X-Request-ID", id)).await;
        let given = answer.header("x-request-id").expect("an id").to_owned();
        assert_ne!(given.as_bytes(), id);
        assert!(given.len() == 36 && given.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'), "{given}");
        assert_eq!(answer.json()["request_id"], given);
        assert!(made.insert(given), "ids are made once");
    }
}

/// The same routes on a listener that also has an operation that panics.
async fn panicking(site: &Site) -> Wire {
    let started = site.app.run(|services| async move {
        let row = || Endpoint::get("/panic", broken).route();
        let app = move || http_api::app(&services).service(web::resource("/panic").route(row()));
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port");
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        address
    });
    Wire::new(started.await)
}

async fn broken() -> Result<Raw, Problem> {
    panic!("SELECT secret FROM src/lib.rs: core::panicking")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_one_request_and_says_nothing() {
    let site = Site::open().await;
    let wire = panicking(&site).await;
    let somebody = site.account("somebody").await;
    somebody.sign_in().await;
    let somebody = somebody.at(&wire);
    let answer = wire.send(Call::get("/panic").header("X-Request-ID", "panic-1")).await;
    assert_eq!(answer.verdict(), "500 internal");
    assert_eq!(answer.header("x-request-id"), Some("panic-1"));
    let wrong = wire.exchanged().iter().flat_map(faults).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{wrong:?}");
    for number in 0..1000 {
        let answer = if number % 100 == 99 {
            wire.send(Call::get("/panic")).await
        } else {
            somebody.send(Call::get("/api/v1/auth/me")).await
        };
        assert_eq!(answer.status, if number % 100 == 99 { 500 } else { 200 }, "request {number} after the panic");
    }
}
