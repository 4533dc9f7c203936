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
    match std::env::var("OPS_CENTER_BENCH_RESULT") {
        Ok(path) => std::fs::write(path, text).expect("the result file can be written"),
        Err(_) => println!("{text}"),
    }
}

/// What one load measured.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub per_second: f64,
    pub p99_ms: f64,
}

/// What a load sends beside the address: arguments of wrk.
pub struct Load(Vec<String>);

impl Load {
    pub fn plain() -> Self {
        Self(Vec::new())
    }

    pub fn cookie(cookie: &str) -> Self {
        Self(vec!["-H".to_owned(), format!("Cookie: {cookie}")])
    }

    pub fn script(path: &str) -> Self {
        Self(vec!["-s".to_owned(), path.to_owned()])
    }
}

/// Loads an address with wrk over keep-alive connections.
pub fn wrk(url: &str, load: Load, connections: u32, seconds: u32) -> Measured {
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--latency"]);
    let output = command.args(load.0).arg(url).output().expect("wrk is installed (scripts/bench does)");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "wrk met errors at {url}:\n{text}");
    let word = |mark: &str| {
        text.lines().find(|l| l.trim_start().starts_with(mark))?.split_whitespace().nth(1).map(str::to_owned)
    };
    let per_second = word("Requests/sec:").and_then(|w| w.parse().ok()).unwrap_or_else(|| panic!("no rate:\n{text}"));
    let p99_ms = word("99%").map(|w| milliseconds(&w)).unwrap_or_else(|| panic!("no latency:\n{text}"));
    Measured { per_second, p99_ms }
}

/// `840.00us`, `1.20ms` or `1.01s`.
fn milliseconds(word: &str) -> f64 {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = word.strip_suffix(unit) {
            return number.parse::<f64>().expect("a number") * factor;
        }
    }
    panic!("not a time: {word}")
}

/// A child process that dies with its owner.
pub struct Process(pub Child);

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts"))
    }

    /// Resident memory, in MiB.
    pub fn rss_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("the process lives");
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).expect("a VmRSS line");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1024.0
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

/// The worst of some runs: the smallest.
pub fn worst(runs: &[f64]) -> f64 {
    runs.iter().copied().fold(f64::INFINITY, f64::min)
}

/// A port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}
