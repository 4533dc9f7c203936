//! Reading a session over HTTP, against a bare actix route that does one Redis GET; memory and start of the whole program.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "bench/bare.rs"]
mod bare;
mod bench;
#[path = "bench/load.rs"]
mod load;

use std::process::Command;
use std::time::Duration;

use auth_core::{SessionToken, UserTag};
use bench::{Figure, PASSWORD, Process, environment, free_port, report, until_ready};
use load::{Load, Measured, rss_mb, wrk};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

const CONNECTIONS: u32 = 32;
const SECONDS: u32 = 5;
const RUNS: usize = 3;
/// What is loaded: reads the session, its standing, and answers with its CSRF token.
const READ: &str = "/api/v1/auth/csrf-token";

/// The floor runs in a process of its own, like ours: this program with `floor PORT REDIS`.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "floor", port, redis] => actix_web::rt::System::new().block_on(bare::serve(port.parse().unwrap(), redis)),
        _ => runtime.block_on(measure()),
    }
}

/// The program under test, on a database of its own and the run's Redis.
struct Installation {
    program: String,
    redis: String,
    data: tempfile::TempDir,
    listen: String,
}

impl Installation {
    fn new() -> Self {
        let (program, redis) = (environment("OPS_CENTER_TEST_BINARY"), environment("OPS_CENTER_TEST_REDIS"));
        let listen = format!("127.0.0.1:{}", free_port());
        let made = Self { program, redis, data: tempfile::tempdir().unwrap(), listen };
        assert!(made.command(&["init"]).output().unwrap().status.success(), "init works");
        let user = ["user", "create", "--email", "bench@example.test", "--username", "bench", "--password-stdin"];
        bench::pipe(&mut made.command(&user), PASSWORD);
        made
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--data-dir").arg(self.data.path()).args(arguments);
        command.env("REDIS_URL", &self.redis).env("OPS_CENTER__SERVER__WORKERS", "2");
        // What reading a session costs; what counting it against a limit costs is in `metering`.
        command.env("OPS_CENTER__RATE_LIMIT__ENABLED", "false");
        command
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listen)
    }

    /// Starts it; how long it took to be ready, in milliseconds.
    async fn serve(&self, client: &reqwest::Client) -> (Process, f64) {
        let process = Process::spawn(&mut self.command(&["serve", "--listen", &self.listen]));
        let took = until_ready(client, &self.url("/readyz"), Duration::from_secs(20)).await;
        (process, took.as_secs_f64() * 1e3)
    }
}

async fn measure() {
    let client = testkit::http_client();
    let place = Installation::new();
    let mut starts = Vec::new();
    for _ in 0..RUNS {
        starts.push(place.serve(&client).await.1);
    }
    let (ours, _) = place.serve(&client).await;
    let idle = rss_mb(&ours);
    let cookie = bench::sign_in(&client, &place.url(""), "bench").await;
    let pairs = beside_the_floor(&client, &place, &cookie).await;
    let cookies = many_sessions(&place.redis).await;
    let rotating = Load::script(&rotating(&cookies, place.data.path()));
    wrk(&place.url(READ), rotating, CONNECTIONS, SECONDS);
    let loaded = rss_mb(&ours);
    let slowest = starts.iter().copied().fold(0.0, f64::max);
    report(&[
        read_figure(&pairs, loaded),
        single("idle memory", "MiB", idle, 25.0, vec![idle]),
        single("memory after the load, 10 000 sessions in turn", "MiB", loaded, 100.0, vec![loaded]),
        single("cold start, migrated", "ms", slowest, 300.0, starts),
    ]);
}

/// Loads ours and the floor in turn.
async fn beside_the_floor(client: &reqwest::Client, place: &Installation, cookie: &str) -> Vec<(Measured, Measured)> {
    let port = free_port().to_string();
    let mut floor = Command::new(std::env::current_exe().unwrap());
    let _floor = Process::spawn(floor.args(["floor", &port, &place.redis]));
    let bare = format!("http://127.0.0.1:{port}/");
    until_ready(client, &bare, Duration::from_secs(20)).await;
    wrk(&place.url(READ), Load::cookie(cookie), CONNECTIONS, 2);
    wrk(&bare, Load::plain(), CONNECTIONS, 2);
    let mut pairs = Vec::new();
    for _ in 0..RUNS {
        let ours = wrk(&place.url(READ), Load::cookie(cookie), CONNECTIONS, SECONDS);
        pairs.push((ours, wrk(&bare, Load::plain(), CONNECTIONS, SECONDS)));
    }
    pairs
}

fn read_figure(pairs: &[(Measured, Measured)], rss_mb: f64) -> Figure {
    let ratio = |pair: &(Measured, Measured)| pair.0.per_second / pair.1.per_second;
    let ratios: Vec<f64> = pairs.iter().map(ratio).collect();
    let (ours, floor) = pairs.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b))).copied().unwrap();
    Figure {
        name: "session read over HTTP, Redis".into(),
        unit: "requests/s",
        ours: ours.per_second,
        floor: floor.per_second,
        goal: "≥ 0.9 of bare actix + one Redis GET".into(),
        ratio: worst(&ratios),
        p99_ms: Some(ours.p99_ms),
        rss_mb: Some(rss_mb),
        runs: ratios,
    }
}

/// A figure without a floor: its goal is a number that it must not pass.
fn single(name: &str, unit: &'static str, ours: f64, most: f64, runs: Vec<f64>) -> Figure {
    Figure {
        name: name.into(),
        unit,
        ours,
        floor: most,
        goal: format!("≤ {most}"),
        ratio: ours / most,
        p99_ms: None,
        rss_mb: None,
        runs,
    }
}

/// 10 000 more live sessions in Redis, copies of the one that is there under tokens of their own; their cookies.
async fn many_sessions(redis: &str) -> Vec<String> {
    let ambient = kernel::Ambient::system();
    let client = redis::Client::open(redis).unwrap();
    let mut connection = ConnectionManager::new(client).await.unwrap();
    let keys: Vec<String> = connection.keys("ops:*:s:*").await.unwrap();
    let fields: Vec<(Vec<u8>, Vec<u8>)> = connection.hgetall(keys.first().expect("one session")).await.unwrap();
    let mut cookies = Vec::with_capacity(10_000);
    for _ in 0..1_000 {
        let tag = UserTag::mint(&ambient);
        let mut pipeline = redis::pipe();
        for _ in 0..10 {
            let token = SessionToken::mint(&tag, &ambient);
            let key = format!("ops:{{{}}}:s:{}", tag.as_str(), token.hash().to_hex());
            pipeline.hset_multiple(key, &fields).ignore();
            cookies.push(format!("ops_session={}", token.to_cookie()));
        }
        let _: () = pipeline.query_async(&mut connection).await.unwrap();
    }
    cookies
}

/// A script for wrk that sends each cookie in turn.
fn rotating(cookies: &[String], folder: &std::path::Path) -> String {
    let list = folder.join("cookies");
    std::fs::write(&list, cookies.join("\n")).unwrap();
    let script = folder.join("rotate.lua");
    let text = format!(
        "local cookies = {{}}\nfor line in io.lines('{}') do cookies[#cookies + 1] = line end\nlocal n = 0\n\
         request = function() n = n % #cookies + 1; wrk.headers['Cookie'] = cookies[n]; return wrk.format() end\n",
        list.display()
    );
    std::fs::write(&script, text).unwrap();
    script.display().to_string()
}

/// The worst of some runs: the smallest.
fn worst(runs: &[f64]) -> f64 {
    runs.iter().copied().fold(f64::INFINITY, f64::min)
}
