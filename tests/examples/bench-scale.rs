//! Whether it matters to a user how many organizations there are, and in how many of them they are: 10 000 organizations, one user in
//! 2 000 of them, one in a single one.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

mod bench;

use std::process::Command;
use std::time::{Duration, Instant};

use bench::{Figure, PASSWORD, Process, environment, free_port, report, until_ready};
use serde_json::{Value, json};

const ORGS: usize = 10_000;
const JOINED: usize = 2_000;
/// As many as a page shows: the floor of a whole page is somebody who has no more than that.
const PAGE: usize = 50;
const ROUNDS: usize = 400;
/// Nobody is to be counted.
const UNLIMITED: (&str, &str) = ("OPS_CENTER__RATE_LIMIT__ENABLED", "false");

#[tokio::main]
async fn main() {
    let redis = environment("OPS_CENTER_TEST_REDIS");
    let postgres = environment("OPS_CENTER_TEST_POSTGRES");
    let mut figures = Vec::new();
    for (name, variables) in [
        ("SQLite", vec![UNLIMITED]),
        ("PostgreSQL and Redis", vec![UNLIMITED, ("DATABASE_URL", postgres.as_str()), ("REDIS_URL", redis.as_str())]),
    ] {
        figures.extend(measure(name, &variables).await);
    }
    report(&figures);
}

/// A running program, and somebody who calls it.
struct Caller {
    client: reqwest::Client,
    base: String,
    cookie: String,
    csrf: String,
}

impl Caller {
    async fn sign_in(base: &str, username: &str) -> Self {
        let client = testkit::http_client();
        let cookie = bench::sign_in(&client, base, username).await;
        let mut caller = Self { client, base: base.to_owned(), cookie, csrf: String::new() };
        caller.get("/api/v1/auth/csrf-token").await["csrf_token"].as_str().unwrap().clone_into(&mut caller.csrf);
        caller
    }

    async fn get(&self, path: &str) -> Value {
        let answer =
            self.client.get(format!("{}{path}", self.base)).header("Cookie", &self.cookie).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    async fn organization(&self, name: &str) -> String {
        let request = self.client.post(format!("{}/api/v1/org", self.base)).header("Cookie", &self.cookie);
        let answer = request.header("X-CSRF-Token", &self.csrf).json(&json!({"name": name})).send().await.unwrap();
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
        let body: Value = answer.json().await.unwrap();
        body["organization"]["id"].as_str().unwrap().to_owned()
    }

    /// The median time of one answer, in microseconds.
    async fn median(&self, path: &str) -> f64 {
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            self.get(path).await;
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        times.get(ROUNDS / 2).copied().unwrap()
    }
}

async fn measure(name: &str, variables: &[(&str, &str)]) -> Vec<Figure> {
    let program = environment("OPS_CENTER_TEST_BINARY");
    let data = tempfile::tempdir().unwrap();
    let command = || {
        let mut command = Command::new(&program);
        command.args(["--data-dir", data.path().to_str().unwrap()]).envs(variables.iter().copied());
        command
    };
    assert!(command().arg("init").output().unwrap().status.success(), "init works");
    for user in ["many", "page", "single", "crowd"] {
        let mut add = command();
        add.args([
            "user",
            "create",
            "--username",
            user,
            "--email",
            &format!("{user}@example.test"),
            "--password-stdin",
        ]);
        bench::pipe(&mut add, PASSWORD);
    }
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let _serve = Process::spawn(command().args(["serve", "--listen", &format!("127.0.0.1:{port}")]));
    until_ready(&testkit::http_client(), &format!("{base}/readyz"), Duration::from_secs(20)).await;

    let many = Caller::sign_in(&base, "many").await;
    let page = Caller::sign_in(&base, "page").await;
    let single = Caller::sign_in(&base, "single").await;
    let crowd = Caller::sign_in(&base, "crowd").await;
    let own = single.organization("The only one").await;
    let mut middle = String::new();
    for n in 0..ORGS - 1 {
        let owner = match n {
            ..JOINED => &many,
            n if n < JOINED + PAGE => &page,
            _ => &crowd,
        };
        let made = owner.organization(&format!("Organization {n}")).await;
        if n == JOINED / 2 {
            middle = made;
        }
    }
    let mine = "/api/v1/org/my-orgs".to_owned();
    let settings = |org: &str| format!("/api/v1/org/{org}/settings");
    let paths = [
        ("my-orgs, one row", format!("{mine}?limit=1&offset=1000"), &single, format!("{mine}?limit=1")),
        ("my-orgs, a page of 50", format!("{mine}?offset=1000"), &page, mine),
        ("permission check", settings(&middle), &single, settings(&own)),
    ];
    let mut figures = Vec::new();
    for (what, of_many, few, of_few) in paths {
        let mut pairs = Vec::new();
        for _ in 0..3 {
            pairs.push((many.median(&of_many).await, few.median(&of_few).await));
        }
        figures.push(figure(format!("{what}: in 2 000 of 10 000 organizations, {name}"), &pairs));
    }
    figures
}

/// The worst of some pairs of medians.
fn figure(name: String, pairs: &[(f64, f64)]) -> Figure {
    let ratio = |pair: &(f64, f64)| pair.0 / pair.1;
    let (ours, floor) = pairs.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b))).copied().unwrap();
    Figure {
        name,
        unit: "µs, median",
        ours,
        floor,
        goal: "≤ 2 × a user in one".into(),
        ratio: ours / floor,
        p99_ms: None,
        rss_mb: None,
        runs: pairs.iter().map(ratio).collect(),
    }
}
