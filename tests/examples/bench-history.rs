//! Whether it matters to an organization how much it has used, and by how many users: history, current and summary of a long ledger
//! against those of a short one; and how long it takes to make counters and history anew from a million ledger rows.
//!
//! `OPS_CENTER_BENCH_ROWS` divides all numbers of rows: 100 is for trying it out.
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
use chrono::{DateTime, TimeDelta, Utc};
use kernel::Period;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};
use serde_json::{Value, json};

/// The short ledger, by few users.
const SHORT: Ledger = Ledger { rows: 10_000, users: 10 };
const ROUNDS: usize = 200;
const RUNS: usize = 3;
/// So long ago the first row happened.
const DAYS: i64 = 360;

/// A ledger to be made.
#[derive(Clone, Copy)]
struct Ledger {
    rows: u64,
    users: u64,
}

#[tokio::main]
async fn main() {
    let postgres = environment("OPS_CENTER_TEST_POSTGRES");
    let mut figures = Vec::new();
    let long = Ledger { rows: 1_000_000, users: 1_000 };
    figures.extend(measure("SQLite", None, long).await);
    let long = Ledger { rows: 10_000_000, users: 1_000 };
    figures.extend(measure("PostgreSQL", Some(&postgres), long).await);
    report(&figures);
}

/// By how much less is made when this is only tried out.
#[expect(clippy::disallowed_methods, reason = "a benchmark is configured by whoever runs it")]
fn divided(rows: u64) -> u64 {
    let by = std::env::var("OPS_CENTER_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    (rows / by).max(100)
}

/// The program under test, somebody in it, and its database beside it.
struct Place {
    client: reqwest::Client,
    data: tempfile::TempDir,
    postgres: Option<String>,
    base: String,
    cookie: String,
    database: DatabaseConnection,
    _process: Process,
}

fn program(data: &std::path::Path, postgres: Option<&str>) -> Command {
    let mut command = Command::new(environment("OPS_CENTER_TEST_BINARY"));
    command.arg("--data-dir").arg(data).envs(postgres.map(|url| ("DATABASE_URL", url)));
    command.env("OPS_CENTER__RATE_LIMIT__ENABLED", "false").env("OPS_CENTER__PLANS__DEFAULT", "enterprise");
    command
}

impl Place {
    async fn new(postgres: Option<&str>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let command = || program(data.path(), postgres);
        assert!(command().arg("init").output().unwrap().status.success(), "init works");
        let user = ["user", "create", "--email", "b@example.test", "--username", "bench", "--password-stdin"];
        bench::pipe(command().args(user), PASSWORD);
        let listen = format!("127.0.0.1:{}", free_port());
        let process = Process::spawn(command().args(["serve", "--listen", &listen]));
        let (client, base) = (testkit::http_client(), format!("http://{listen}"));
        until_ready(&client, &format!("{base}/readyz"), Duration::from_secs(20)).await;
        let cookie = bench::sign_in(&client, &base, "bench").await;
        let file = || format!("sqlite:{}", data.path().join("ops-center.db").display());
        let mut options = ConnectOptions::new(postgres.map_or_else(file, ToOwned::to_owned));
        options.max_connections(1).sqlx_logging(false);
        let database = Database::connect(options).await.unwrap();
        let postgres = postgres.map(ToOwned::to_owned);
        Self { client, data, postgres, base, cookie, database, _process: process }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.base)).header("Cookie", &self.cookie);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// An organization that was made a year ago and has this ledger.
    async fn organization(&self, name: &str, ledger: Ledger) -> String {
        let request = self.client.post(format!("{}/api/v1/org", self.base)).header("Cookie", &self.cookie);
        let answer =
            request.header("Sec-Fetch-Site", "same-origin").json(&json!({ "name": name })).send().await.unwrap();
        let made: Value = answer.json().await.unwrap();
        let id = made["organization"]["id"].as_str().unwrap().to_owned();
        let org = id.trim_start_matches("org_").to_owned();
        let now = kernel::Ambient::system().now();
        let since = now - TimeDelta::days(DAYS);
        let uuid = self.uuid(&org);
        self.run(&format!("UPDATE organization SET created_at = '{}' WHERE id = {uuid}", since.to_rfc3339())).await;
        let rows = divided(ledger.rows);
        // Each month's rows have its first moment.
        let (mut month, mut number) = (Period::month(since, since), 0);
        let minutes = |time: TimeDelta| u64::try_from(time.num_minutes()).unwrap();
        while month.start < now {
            let end = month.end.min(now);
            let last = rows * minutes(end - since) / minutes(now - since);
            self.fill((&uuid, ledger.users), (number, last), (month.start, end)).await;
            (number, month) = (last, Period::month(since, month.end));
        }
        id
    }

    /// Rows of one month, evenly over its time, by these users in turn.
    async fn fill(
        &self,
        (org, users): (&str, u64),
        (from, to): (u64, u64),
        (start, end): (DateTime<Utc>, DateTime<Utc>),
    ) {
        let start = start.timestamp_micros();
        let step = (end.timestamp_micros() - start) / i64::try_from((to - from).max(1)).unwrap();
        let at = format!("{start} + (n - {from}) * {step}");
        let (numbers, user, none) = if self.is_postgres() {
            let user = format!("('00000000-0000-7000-8000-' || lpad((n % {users})::text, 12, '0'))::uuid");
            (format!("generate_series({from}::bigint, {to}::bigint - 1) AS n"), user, "''::bytea")
        } else {
            let user = format!("unhex('0000000000007000' || printf('%016d', n % {users}))");
            let series =
                format!("WITH RECURSIVE s (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM s WHERE n + 1 < {to})");
            (format!("({series} SELECT n FROM s WHERE n < {to})"), user, "x''")
        };
        self.run(&format!(
            "INSERT INTO usage_event (org_id, event_id, kind, user_id, service, quantity, occurred_at, recorded_at, month_start, \
             fingerprint) SELECT {org}, 'e-' || n, 'call', {user}, \
             CASE n % 3 WHEN 0 THEN 'chat' WHEN 1 THEN 'search' ELSE 'tts' END, 1 + n % 5, {at}, {at}, {start}, {none} FROM {numbers}"
        ))
        .await;
    }

    fn is_postgres(&self) -> bool {
        self.database.get_database_backend() == DbBackend::Postgres
    }

    fn uuid(&self, id: &str) -> String {
        if self.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.replace('-', "")) }
    }

    async fn run(&self, sql: &str) {
        self.database.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Makes counters and history anew; the ledger rows of which, and the seconds that it took.
    fn rebuild(&self) -> (u64, f64) {
        let began = Instant::now();
        let mut command = program(self.data.path(), self.postgres.as_deref());
        let output = command.args(["usage", "rebuild", "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        (told["entries"].as_u64().unwrap(), began.elapsed().as_secs_f64())
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
        times[ROUNDS / 2]
    }
}

async fn measure(name: &str, postgres: Option<&str>, ledger: Ledger) -> Vec<Figure> {
    let place = Place::new(postgres).await;
    let million = Ledger { rows: 1_000_000, users: 1_000 };
    place.organization("A million", million).await;
    let mut figures = vec![rebuilt(name, &place)];
    let short = place.organization("Short", SHORT).await;
    let long = place.organization("Long", ledger).await;
    place.rebuild();
    place.run("ANALYZE").await;
    for (what, path) in [
        ("history, 30 days", "/api/v1/usage/history?"),
        ("history, 366 days", "/api/v1/usage/history?days=366&"),
        ("current", "/api/v1/usage/current?"),
        ("summary", "/api/v1/usage/summary?"),
    ] {
        let of = |org: &str| format!("{path}org_id={org}");
        let mut pairs = Vec::new();
        for _ in 0..RUNS {
            pairs.push((place.median(&of(&long)).await, place.median(&of(&short)).await));
        }
        figures.push(figure(format!("{what}: {} rows, {name}", divided(ledger.rows)), &pairs));
    }
    let used = place.get(&format!("/api/v1/usage/history?days=366&org_id={long}")).await;
    assert_eq!(used["summary"]["total_events"], divided(ledger.rows), "all of it is told");
    figures
}

/// How long it takes to make the counters of one organization anew, the program's start included.
fn rebuilt(name: &str, place: &Place) -> Figure {
    let runs: Vec<(u64, f64)> = (0..RUNS).map(|_| place.rebuild()).collect();
    let (rows, ours) = runs.iter().max_by(|a, b| a.1.total_cmp(&b.1)).copied().unwrap();
    let limit = 10.0;
    Figure {
        name: format!("counters made anew from {rows} rows, {name}"),
        unit: "s",
        ours,
        floor: limit,
        goal: "≤ 10 s".into(),
        ratio: ours / limit,
        p99_ms: None,
        rss_mb: None,
        runs: runs.iter().map(|(_, seconds)| seconds / limit).collect(),
    }
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
        goal: format!("≤ 2 × {} rows", divided(SHORT.rows)),
        ratio: ours / floor,
        p99_ms: None,
        rss_mb: None,
        runs: pairs.iter().map(ratio).collect(),
    }
}
