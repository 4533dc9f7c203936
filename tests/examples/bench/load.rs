//! A load from wrk, and what it costs in memory.

use std::process::Command;

use super::bench::Process;

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
    let p99_ms = word("99%").map_or_else(|| panic!("no latency:\n{text}"), |w| milliseconds(&w));
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

/// Resident memory of a process, in MiB.
pub fn rss_mb(process: &Process) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).expect("the process lives");
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).expect("a VmRSS line");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1024.0
}
