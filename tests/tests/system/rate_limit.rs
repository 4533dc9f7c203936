//! RL-1 to RL-4: how many requests people may make in a minute, and what they are told about it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use kernel::{Clock, Timestamp};
use serde_json::json;
use testkit::{Answer, Backend, Client, TestApp, TestUser};

use crate::rig::process::{Server, Site};
use crate::rig::service::{Service, grant};
use crate::rig::tables::{beside, rows};
use crate::rig::{at_once, until};

/// A route that counts.
const READ: &str = "/api/v1/auth/me";
const CHECK: &str = "/api/v1/rate-limit/check";
const TIER: &str = "/api/v1/check-tier?service=chat";

/// An app whose users are not counted before they are in an organization, so that a test begins with a full bucket.
async fn on(backend: Backend) -> TestApp {
    let uncounted = 60_000.try_into().expect("more than nothing");
    TestApp::builder()
        .backend(backend)
        .config(|config| config.rate_limit.without_org_per_minute = uncounted)
        .start()
        .await
}

fn backends() -> impl Iterator<Item = Backend> {
    Backend::ALL.into_iter().filter(|backend| backend.is_there()).inspect(|backend| println!("on {backend}:"))
}

/// The backends where our clock says how late it is.
fn with_our_clock() -> impl Iterator<Item = Backend> {
    backends().filter(|backend| !backend.has_redis())
}

/// Somebody whose organization the platform has put on the free plan: ten requests a minute.
async fn poor(app: &TestApp, email: &str) -> TestUser {
    let user = app.owner(email, "Acme").await;
    grant(&*app.admin().await, email, "free").await;
    user
}

fn admitted(answers: &[Answer]) -> usize {
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.problem(429, "rate_limited");
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}

/// So many pass: a full bucket, and what time has given back since.
fn is_ten(admitted: usize, began: Instant) {
    let back = usize::try_from(began.elapsed().as_secs() / 6).expect("few");
    assert!((10..=10 + back).contains(&admitted), "{admitted} passed in {:?}", began.elapsed());
}

/// A field as a structured field (RFC 9651): its one name, and that name's parameters.
fn field(answer: &Answer, name: &str) -> (String, Vec<(String, i64)>) {
    let text = answer.header(name).unwrap_or_else(|| panic!("{}: no {name}", answer.of));
    let list: sfv::List = sfv::Parser::new(text).parse().unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
    let [sfv::ListEntry::Item(item)] = list.as_slice() else { panic!("one item: {text}") };
    let number = |value: &sfv::BareItem| i64::from(value.as_integer().expect("a number"));
    let parameters = item.params.iter().map(|(key, value)| (key.as_str().to_owned(), number(value))).collect();
    (item.bare_item.as_string().expect("a name").as_str().to_owned(), parameters)
}

fn number(answer: &Answer, name: &str) -> u64 {
    let text = answer.header(name).unwrap_or_else(|| panic!("{}: no {name}", answer.of));
    text.parse().unwrap_or_else(|error| panic!("{name}: {text}: {error}"))
}

/// When one more request of somebody on the free plan fits, whose bucket is empty: a bucket of ten in a minute is full 54 s later.
async fn fits(user: &Client) -> Timestamp {
    let full = user.get(CHECK).await.expect(200)["reset_at"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    full.expect("a time") - TimeDelta::seconds(54)
}

fn is_not_counted(answer: &Answer) {
    for name in ["ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        assert_eq!(answer.header(name), None, "{}: {}", answer.of, answer.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_at_once_ten_pass() {
    for backend in backends() {
        let app = on(backend).await;
        let ada = poor(&app, "ada@x.test").await;
        let began = Instant::now();
        let answers = at_once((0..100).map(|_| ada.get(READ))).await;
        is_ten(admitted(&answers), began);
        for answer in &answers {
            let (policy, rule) = field(answer, "ratelimit-policy");
            assert_eq!((policy.as_str(), rule), ("api", vec![("q".to_owned(), 10), ("w".to_owned(), 60)]));
            let (policy, left) = field(answer, "ratelimit");
            let [(r, remaining), (t, seconds)] = left.as_slice() else { panic!("{left:?}") };
            assert_eq!((policy.as_str(), r.as_str(), t.as_str()), ("api", "r", "t"));
            assert!((0..10).contains(remaining) && (1..=60).contains(seconds), "{left:?}");
            assert_eq!(number(answer, "x-ratelimit-limit"), 10);
            assert_eq!(i64::try_from(number(answer, "x-ratelimit-remaining")), Ok(*remaining));
            assert!(number(answer, "x-ratelimit-reset") > 1_700_000_000);
            if answer.status == 429 {
                let wait = number(answer, "retry-after");
                assert!((1..=6).contains(&wait) && i64::try_from(wait) == Ok(*seconds), "{wait}: {left:?}");
                let body = answer.json();
                assert_eq!(body["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
                assert_eq!(body["violated-policies"], json!(["api"]));
            } else {
                assert_eq!(answer.header("retry-after"), None);
            }
        }
        // Everybody else goes on.
        let bob = poor(&app, "bob@x.test").await;
        bob.get(READ).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_as_long_as_told_is_long_enough_and_what_is_refused_costs_nothing() {
    for backend in with_our_clock() {
        let app = on(backend).await;
        let ada = poor(&app, "ada@x.test").await;
        for _ in 0..10 {
            ada.get(READ).await.expect(200);
        }
        // Endless retries do not keep anybody out.
        let began = Instant::now();
        let answers = at_once((0..60).map(|_| ada.get(READ))).await;
        assert!(admitted(&answers) <= usize::try_from(began.elapsed().as_secs() / 6 + 1).expect("few"));
        for trial in 0..100 {
            // Somewhere in the middle of a second, so that the time that a request takes makes no difference.
            while ada.get(READ).await.status == 200 {}
            let ahead = fits(&ada).await - app.clock.now();
            let past = (ahead.num_milliseconds() - 400 - 4 * trial).rem_euclid(1000);
            app.clock.advance(Duration::from_millis(past.unsigned_abs()));
            let refused = ada.get(READ).await;
            refused.problem(429, "rate_limited");
            let wait = number(&refused, "retry-after");
            assert!((1..=6).contains(&wait), "{wait}");
            app.clock.advance(Duration::from_secs(wait - 1));
            assert_eq!(ada.get(READ).await.status, 429, "trial {trial}: {wait} s less one");
            app.clock.advance(Duration::from_secs(1));
            let passed = ada.get(READ).await;
            assert_eq!(passed.status, 200, "trial {trial}: after {wait} s: {}", passed.text());
        }
        // The whole minute gives back all of it, and not more.
        app.clock.advance(Duration::from_mins(10));
        let began = Instant::now();
        is_ten(admitted(&at_once((0..30).map(|_| ada.get(READ))).await), began);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_one_bucket_in_all_sessions_and_from_all_addresses() {
    for backend in backends() {
        let app = on(backend).await;
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let browsers =
            [Client::clone(&ada), Client::clone(&ada.in_new_browser()), Client::clone(&ada.in_new_browser())];
        let credentials = json!({ "username": ada.email, "password": ada.password });
        for browser in &browsers {
            browser.post("/api/v1/auth/login").without_csrf().json(&credentials).await.expect(200);
            browser.post("/api/v1/org/switch").json(&json!({ "org_id": org })).await.expect(200);
        }
        grant(&*app.admin().await, "ada@x.test", "free").await;
        let began = Instant::now();
        let ask = |number: usize| {
            let address = format!("2001:db8:{number:x}::1");
            browsers[number % 3].get(READ).header("X-Forwarded-For", &address).header("X-Real-IP", &address)
        };
        is_ten(admitted(&at_once((0..60).map(ask)).await), began);
        // A new session is no new bucket either; signing in and out is not counted.
        let fresh = ada.in_new_browser();
        is_not_counted(&fresh.sign_in().await);
        fresh.get(&format!("/api/v1/usage/quota?org_id={org}")).await.problem(429, "rate_limited");
        is_not_counted(&fresh.sign_out().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_share_a_bucket_in_redis() {
    for backend in backends().filter(|backend| backend.has_redis()) {
        let app = on(backend).await;
        let ada = poor(&app, "ada@x.test").await;
        let sibling = app.sibling().await;
        let there = ada.at(&sibling);
        let known = async || there.get(CHECK).await.expect(200)["rate_limit"] == 10;
        until(Duration::from_secs(2), "the other instance knows the plan", known).await;
        let began = Instant::now();
        let ask = |number: usize| if number.is_multiple_of(2) { ada.get(READ) } else { there.get(READ) };
        let answers = at_once((0..60).map(ask)).await;
        is_ten(admitted(&answers), began);
        assert_eq!(there.get(CHECK).await.expect(200)["remaining"], 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_costs_nothing_and_says_what_is_left() {
    for backend in backends() {
        let app = on(backend).await;
        let ada = poor(&app, "ada@x.test").await;
        for used in 0..4 {
            for _ in 0..3 {
                let asked = ada.get(CHECK).await;
                is_not_counted(&asked);
                let state = asked.expect(200);
                let told =
                    ["user_tier", "rate_limit", "rate_limit_per", "current_usage", "remaining"].map(|key| &state[key]);
                assert_eq!(json!(told), json!(["free", 10, "minute", used, 10 - used]));
                assert!(state["reset_at"].is_string());
            }
            assert_eq!(number(&ada.get(READ).await, "x-ratelimit-remaining"), 9 - used);
        }
        // Where there is no limit, nothing is counted.
        let admin = app.admin().await;
        is_not_counted(&admin.get(READ).await);
        let state = admin.get(CHECK).await.expect(200);
        let told = ["user_tier", "rate_limit", "remaining"].map(|key| &state[key]);
        assert_eq!(json!(told), json!(["enterprise", -1, null]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_exempt_routes_are_not_counted_and_refusals_are() {
    for backend in backends() {
        let app = on(backend).await;
        let ada = poor(&app, "ada@x.test").await;
        let left = async || ada.get(CHECK).await.expect(200)["remaining"].clone();
        assert_eq!(left().await, 10);
        for _ in 0..5 {
            // Who is not known has no bucket, and what another site's page sends in somebody's name costs them nothing.
            let wrong = [
                (ada.get(READ).anonymous().await, 401),
                (ada.put("/api/v1/auth/notifications").without_csrf().json(&json!({ "push": true })).await, 403),
            ];
            for (answer, status) in wrong {
                assert_eq!(answer.status, status, "{}: {}", answer.of, answer.text());
                is_not_counted(&answer);
            }
            for path in ["/livez", "/health", "/openapi.json", "/api/v1/subscriptions/plans", "/api/v1/auth/csrf-token"]
            {
                let answer = ada.get(path).anonymous().await;
                assert_eq!(answer.status, 200, "{path}");
                is_not_counted(&answer);
            }
            is_not_counted(&ada.get("/livez").await);
        }
        assert_eq!(left().await, 10);

        // What fails is counted like what does not: what may not be, what is not there, what is not well-formed, what does not fit.
        let foreign = || ada.get("/api/v1/org/org_01890a5d-ac96-774b-bcce-b302099a8057");
        let malformed = || ada.put("/api/v1/auth/notifications").json(&json!({ "push": "yes" }));
        let began = Instant::now();
        for (request, status) in [
            (foreign(), 404),
            (ada.put("/api/v1/subscriptions/plans/free").json(&json!({ "level": 1 })), 403),
            (malformed(), 422),
            (ada.delete("/api/v1/org/members/me"), 404),
        ] {
            let answer = request.await;
            assert_eq!(answer.status, status, "{}: {}", answer.of, answer.text());
            assert_eq!(number(&answer, "x-ratelimit-limit"), 10, "{}", answer.of);
        }
        // And told as long as there is something to take.
        let answers = at_once((0..60).map(|n| if n % 2 == 0 { foreign() } else { malformed() })).await;
        let told = answers.iter().filter(|answer| [404, 422].contains(&answer.status)).count();
        is_ten(4 + told, began);
        assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 60 - told);
        malformed().await.problem(429, "rate_limited");

        // Whoever has used everything up can leave, and other services' questions have a bucket of their own.
        let decided = ada.get("/api/v1/check-tier?service=chat").await;
        decided.expect(200);
        assert_eq!(field(&decided, "ratelimit").0, "decision");
        is_not_counted(&ada.sign_out().await);
    }
}

/// An answer from memory is an answer: it is counted, and what is refused leaves nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_are_counted_and_a_refused_key_is_not_kept() {
    for backend in backends() {
        let app = on(backend).await;
        let ada = poor(&app, "ada@x.test").await;
        let make =
            |key: String| ada.post("/api/v1/org").header("Idempotency-Key", &key).json(&json!({ "name": "Again" }));
        let began = Instant::now();
        make("first".to_owned()).await.expect(201);
        let answers = at_once((0..40).map(|_| make("first".to_owned()))).await;
        let replayed = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_some()).count();
        is_ten(1 + replayed, began);
        let refused = at_once((0..40).map(|number| make(format!("fresh-{number}")))).await;
        assert!(refused.iter().filter(|answer| answer.status == 429).count() >= 30);
        let beside = beside(&app).await;
        let kept = rows(&beside, "SELECT 1 FROM idempotency").await.len();
        let done = refused.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(kept, 1 + done, "one row for each that was done");
        beside.close().await.expect("no connection");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_have_buckets_of_their_own() {
    for backend in backends() {
        let app = on(backend).await;
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let scopes = ["entitlements:read", "act_as"];
        let keys = [Service::of(&ada, &org, &scopes).await, Service::of(&ada, &org, &scopes).await];
        let admin = app.admin().await;
        let unlimited = number(&keys[0].get(TIER).await, "x-ratelimit-limit");
        assert_eq!(unlimited, 600_000, "a plan without a limit: as much as the platform's own");
        grant(&admin, "ada@x.test", "free").await;
        // What the plan gives to a person it gives to each key.
        for key in &keys {
            let began = Instant::now();
            let answers = at_once((0..50).map(|_| key.get(TIER))).await;
            is_ten(admitted(&answers), began);
            assert!(answers.iter().all(|answer| number(answer, "x-ratelimit-limit") == 10));
        }
        grant(&admin, "ada@x.test", "starter").await;
        assert_eq!(number(&keys[0].get(TIER).await, "x-ratelimit-limit"), 100, "a better plan counts at once");
        grant(&admin, "ada@x.test", "free").await;
        // The platform's services ask for many.
        let home = admin.get("/api/v1/org/info").await.expect(200)["id"].as_str().expect("an id").to_owned();
        let platform = json!({ "name": "gateway", "scopes": scopes, "platform": true });
        let service = Service::made(&admin, &home, &platform).await;
        let asked = at_once((0..50).map(|_| service.get(&format!("{TIER}&org_id={org}")))).await;
        assert_eq!(admitted(&asked), 50);
        assert!(asked.iter().all(|answer| number(answer, "x-ratelimit-limit") == 600_000));
        // What a service asks for somebody is taken from them too, wherever it names them.
        let mine = json!({ "user_id": ada.id.to_string(), "org_id": org });
        let named = format!("&org_id={org}&user_id={}", ada.id);
        let ask = |number: usize| match number % 3 {
            0 => service.post("/api/v1/subscriptions/check-access/chat").json(&mine),
            1 => service.get(&format!("{TIER}{named}")),
            _ => service.get(&format!("/api/v1/tier-check/check?tier=free{named}")),
        };
        let began = Instant::now();
        let asked = at_once((0..100).map(ask)).await;
        is_ten(admitted(&asked), began);
        assert!(asked.iter().all(|answer| number(answer, "x-ratelimit-limit") == 10));
        ask(0).await.problem(429, "rate_limited");
        ada.get(TIER).await.problem(429, "rate_limited");
        // `/decide` says so in its answer.
        let question = json!({ "service": "chat", "user_id": ada.id.to_string(), "org_id": org });
        let began = Instant::now();
        let decided = at_once((0..40).map(|_| service.post("/api/v1/decide").json(&question))).await;
        let reasons: Vec<_> = decided.iter().map(|answer| answer.expect(200)["reason"].clone()).collect();
        is_ten(reasons.iter().filter(|reason| **reason == "allowed").count(), began);
        assert!(reasons.iter().all(|reason| ["allowed", "rate_limited"].contains(&reason.as_str().expect("a word"))));
        // For nobody it may ask on.
        service.get(&format!("{TIER}&org_id={org}")).await.expect(200);
        assert_eq!(ada.get(CHECK).await.expect(200)["remaining"], 10);
        let of_ada = service.get(&format!("{CHECK}?org_id={org}&user_id={}", ada.id)).await.expect(200);
        assert_eq!((&of_ada["rate_limit"], &of_ada["remaining"]), (&json!(10), &json!(10)));
    }
}

/// Several processes that count alone would each give all of a limit: whoever may have them is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_counts_alone_on_a_shared_database_says_so() {
    for (backend, instances, warns) in [
        (Backend::Postgres, "1", true),
        (Backend::Postgres, "2", false),
        (Backend::PostgresRedis, "1", false),
        (Backend::Sqlite, "1", false),
    ] {
        if !backend.is_there() {
            continue;
        }
        let site = Site::on(backend).await;
        let mut program = site.program(&["--listen", "127.0.0.1:0"]);
        let server = Server::start(program.env("OPS_CENTER__RATE_LIMIT__INSTANCES", instances));
        // The line of a request is written behind it.
        Client::new(&server.base).get("/livez").await.text();
        let warned = || server.written().contains("rate_limit.instances");
        if warns {
            until(Duration::from_secs(3), "it says so", async || warned()).await;
        } else {
            until(Duration::from_secs(3), "its log", async || server.written().contains("/livez")).await;
            assert!(!warned(), "{backend} with {instances}: {}", server.written());
        }
    }
}
