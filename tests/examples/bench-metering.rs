//! Recording usage over HTTP, complete with key, limits and log, against databases that do the same two statements by themselves; and
//! decisions against a bare actix route that does one Redis GET.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

#[path = "bench/bare.rs"]
mod bare;
mod bench;
#[path = "bench/floor.rs"]
#[expect(dead_code, reason = "some of it belongs to billing")]
mod floor;
#[path = "bench/load.rs"]
mod load;

use std::process::Command;
use std::time::Duration;

use bench::{Figure, PASSWORD, Process, environment, free_port, report, until_ready};
use load::{Load, Measured, rss_mb, wrk};
use serde_json::{Value, json};

const SECONDS: u32 = 5;
const RUNS: usize = 3;
const ORGS: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "floor", port, redis] => actix_web::rt::System::new().block_on(bare::serve(port.parse().unwrap(), redis)),
        _ => runtime.block_on(measure()),
    }
}

/// The program under test on one backend, with organizations and a key of the platform.
struct Place {
    client: reqwest::Client,
    data: tempfile::TempDir,
    base: String,
    cookie: String,
    key: String,
    orgs: Vec<String>,
    process: Process,
}

impl Place {
    async fn new(variables: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let command = |arguments: &[&str]| {
            let mut command = Command::new(environment("OPS_CENTER_TEST_BINARY"));
            command.arg("--data-dir").arg(data.path()).args(arguments).envs(variables.iter().copied());
            // Every organization without an end, so that what is measured is work and not refusals.
            command.env("OPS_CENTER__PLANS__DEFAULT", "enterprise").env("OPS_CENTER__SERVER__WORKERS", "2");
            command.env("OPS_CENTER__RATE_LIMIT__API_KEY_PER_MINUTE", "4000000000");
            // Until they have an organization.
            command.env("OPS_CENTER__RATE_LIMIT__WITHOUT_ORG_PER_MINUTE", "4000000000");
            command
        };
        assert!(command(&["init"]).output().unwrap().status.success(), "init works");
        let user =
            ["user", "create", "--email", "b@example.test", "--username", "bench", "--admin", "--password-stdin"];
        bench::pipe(&mut command(&user), PASSWORD);
        let listen = format!("127.0.0.1:{}", free_port());
        let process = Process::spawn(&mut command(&["serve", "--listen", &listen]));
        let (client, base) = (testkit::http_client(), format!("http://{listen}"));
        until_ready(&client, &format!("{base}/readyz"), Duration::from_secs(20)).await;
        let cookie = bench::sign_in(&client, &base, "bench").await;
        let mut made = Self { client, data, base, cookie, key: String::new(), orgs: Vec::new(), process };
        for number in 0..ORGS {
            let org = made.post("/api/v1/org", &json!({"name": format!("Organization {number}")})).await;
            made.orgs.push(org["organization"]["id"].as_str().unwrap().to_owned());
        }
        // The session is to have an organization.
        let moved = made.send("/api/v1/org/switch", &json!({"org_id": made.orgs[0]})).await;
        let set = moved.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let session = set.rev().find(|cookie| cookie.starts_with("ops_session=")).unwrap();
        made.cookie = session.split(';').next().unwrap().to_owned();
        let scopes = ["usage:write", "entitlements:read"];
        let key = made.post("/api/v1/api-keys", &json!({"name": "bench", "scopes": scopes, "platform": true})).await;
        key["key"].as_str().unwrap().clone_into(&mut made.key);
        made
    }

    async fn send(&self, path: &str, body: &Value) -> reqwest::Response {
        let request = self.client.post(format!("{}{path}", self.base)).header("Cookie", &self.cookie);
        let answer = request.header("Sec-Fetch-Site", "same-origin").json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.send(path, body).await.json().await.unwrap()
    }

    /// Loads `POST` with this body and these organizations in turn.
    fn record(&self, path: &str, body: &str, orgs: usize, connections: u32) -> Measured {
        let script = self.data.path().join("record.lua");
        let list: Vec<String> = self.orgs.iter().take(orgs).map(|org| format!("'{path}?org_id={org}'")).collect();
        let text = format!(
            "local paths = {{{}}}\nlocal n = 0\nwrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n\
             wrk.headers['Authorization'] = 'Bearer {}'\nwrk.body = '{body}'\n\
             request = function() n = n % #paths + 1; return wrk.format(nil, paths[n]) end\n",
            list.join(","),
            self.key,
        );
        std::fs::write(&script, text).unwrap();
        wrk(&self.base, Load::script(script.to_str().unwrap()), connections, SECONDS)
    }

    /// Whether counters and ledger agree after all of it.
    fn verify(&self, variables: &[(&str, &str)]) {
        let mut command = Command::new(environment("OPS_CENTER_TEST_BINARY"));
        command.arg("--data-dir").arg(self.data.path()).args(["usage", "verify"]).envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

const ONE: &str = r#"{"service":"chat"}"#;

async fn measure() {
    let (postgres, redis) = (environment("OPS_CENTER_TEST_POSTGRES"), environment("OPS_CENTER_TEST_REDIS"));
    let mut figures = Vec::new();
    {
        let variables = [("DATABASE_URL", postgres.as_str()), ("REDIS_URL", redis.as_str())];
        let place = Place::new(&variables).await;
        let floors = floor::Postgres::new(&postgres);
        for (orgs, connections, goal) in [(1, 64, "≥ 10"), (1, 256, "≥ 20"), (ORGS, 256, "≥ 5")] {
            let name = format!("PostgreSQL, {orgs} organization(s), {connections} connections");
            let pair = || (place.record("/api/v1/usage/track", ONE, orgs, connections), floors.run(orgs, connections));
            figures.push(compared(name, &format!("{goal} × pgbench, p99 ≤ 15 ms"), "events/s", 1.0, &place, pair));
        }
        let events = vec![ONE; 400].join(",");
        let batch = format!(r#"{{"events":[{events}]}}"#);
        let pair = || (place.record("/api/v1/usage/track/batch", &batch, 1, 8), 100_000.0);
        figures.push(compared(
            "PostgreSQL, batches of 400".into(),
            "≥ 100 000 events/s",
            "events/s",
            400.0,
            &place,
            pair,
        ));
        place.verify(&variables);
        figures.extend(decisions(&place, &redis).await);
    }
    let place = Place::new(&[]).await;
    let floors = floor::Sqlite::new().await;
    let single = floors.run(Duration::from_secs(SECONDS.into())).await;
    let pair = || (place.record("/api/v1/usage/track", ONE, 1, 64), single);
    figures.push(compared("SQLite FULL, 64 connections".into(), "≥ 8 × single commits", "events/s", 1.0, &place, pair));
    place.verify(&[]);
    report(&figures);
}

/// Questions of other services and proxies: session, rate limit and decision in each.
async fn decisions(place: &Place, redis: &str) -> Vec<Figure> {
    let port = free_port().to_string();
    let mut bare = Command::new(std::env::current_exe().unwrap());
    let _bare = Process::spawn(bare.args(["floor", &port, redis]));
    let bare = format!("http://127.0.0.1:{port}/");
    until_ready(&place.client, &bare, Duration::from_secs(20)).await;
    let mut figures = Vec::new();
    for path in ["/api/v1/check-tier?service=chat", "/auth/check"] {
        let url = format!("{}{path}", place.base);
        let pair = || {
            let ours = wrk(&url, Load::cookie(&place.cookie), 32, SECONDS);
            (ours, wrk(&bare, Load::plain(), 32, SECONDS).per_second)
        };
        let goal = "≥ 0.8 of bare actix + one Redis GET";
        figures.push(compared(format!("{path} with a session, Redis"), goal, "requests/s", 1.0, place, pair));
    }
    figures
}

/// Runs ours and the floor in turn, and keeps the worst pair.
fn compared(
    name: String,
    goal: &str,
    unit: &'static str,
    each: f64,
    place: &Place,
    pair: impl Fn() -> (Measured, f64),
) -> Figure {
    let pairs: Vec<(Measured, f64)> = (0..RUNS).map(|_| pair()).collect();
    let ratio = |pair: &(Measured, f64)| pair.0.per_second * each / pair.1;
    let (ours, floor) = pairs.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b))).copied().unwrap();
    Figure {
        name,
        unit,
        ours: ours.per_second * each,
        floor,
        goal: goal.to_owned(),
        ratio: ratio(&(ours, floor)),
        p99_ms: Some(ours.p99_ms),
        rss_mb: Some(rss_mb(&place.process)),
        runs: pairs.iter().map(ratio).collect(),
    }
}
