//! What benchmarks share: a load from wrk, a child process with its memory, and the result file.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// One figure: ours beside the floor of the same run.
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub ours: f64,
    pub floor: f64,
    /// What `ratio` must reach (`at least`), or must not pass (`at most`).
    pub goal: String,
    pub ratio: f64,
    pub p99_ms: Option<f64>,
    pub rss_mb: Option<f64>,
    pub runs: Vec<f64>,
}

/// Writes the figures to the file that `scripts/bench` asks for, and to standard output.
pub fn report(figures: &[Figure]) {
    let rows: Vec<Value> = figures
        .iter()
        .map(|f| {
            json!({"name": f.name, "unit": f.unit, "ours": f.ours, "floor": f.floor, "ratio": f.ratio, "goal": f.goal,
                   "p99_ms": f.p99_ms, "rss_mb": f.rss_mb, "runs": f.runs})
        })
        .collect();
    let text = serde_json::to_string_pretty(&rows).expect("figures are JSON");
    std::fs::write(environment("OPS_CENTER_BENCH_RESULT"), text).expect("the result file can be written");
}

/// What `scripts/bench` set.
#[expect(clippy::disallowed_methods, reason = "a benchmark is configured by the script that runs it")]
pub fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/bench"))
}

/// What everybody who signs in here types.
pub const PASSWORD: &str = "seven rivers and a bridge";

/// Signs in; the session's cookie.
pub async fn sign_in(client: &reqwest::Client, base: &str, username: &str) -> String {
    let body = json!({"username": username, "password": PASSWORD});
    let answer = client.post(format!("{base}/api/v1/auth/login")).json(&body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{username} signs in: {}", answer.status());
    let mut cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let session = cookies.find(|cookie| cookie.starts_with("ops_session=")).expect("a session cookie");
    session.split(';').next().expect("a cookie").to_owned()
}

/// A child process that dies with its owner.
pub struct Process(pub Child);

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program that reads its standard input.
pub fn pipe(command: &mut Command, input: &str) {
    use std::io::Write;
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "the account is made");
}

/// Asks until an address answers 200; how long that took.
pub async fn until_ready(client: &reqwest::Client, url: &str, patience: Duration) -> Duration {
    let started = Instant::now();
    while started.elapsed() < patience {
        if client.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return started.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{url} did not answer within {patience:?}");
}

/// A port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}
