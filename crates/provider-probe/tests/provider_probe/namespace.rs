//! The same on addresses that this machine does not have: in a network namespace of its own it has them.

use std::{net::TcpListener, process::Command, time::Duration};

use byok_core::{KeyProbe, Verdict};
use provider_probe::ProbeOptions;

use crate::{
    server::{Server, answer, free},
    setting::{KEY, assert_unreachable, customers, endpoint, find, loose, probe},
};

const INSIDE: [&str; 3] = ["10.0.0.5", "169.254.169.254", "fd00::5"];
const NAME: &str = "namespace::inside_addresses_are_not_asked_though_they_answer";

/// Whether this machine has these addresses: then nobody else is asked.
fn has_them() -> bool {
    INSIDE.iter().all(|address| TcpListener::bind(free(address)).is_ok())
}

#[expect(clippy::disallowed_methods, reason = "says whether a machine that cannot do this may pass")]
fn must_work() -> bool {
    std::env::var_os("CI").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_addresses_are_not_asked_though_they_answer() {
    if has_them() {
        return within().await;
    }
    // Without duplicate address detection, an IPv6 address is there at once.
    let add = INSIDE.map(|address| {
        let end = if address.contains(':') { "/128 dev lo nodad" } else { "/32 dev lo" };
        format!("ip addr add {address}{end}")
    });
    let script = format!("ip link set lo up && {} && exec \"$0\" --exact {NAME}", add.join(" && "));
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "sh", "-c", &script]).arg(this);
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let (passed, text) = match ran {
        Ok(ran) => (
            ran.status.success() && String::from_utf8_lossy(&ran.stdout).contains("1 passed"),
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)),
        ),
        Err(error) => (false, error.to_string()),
    };
    // A machine that makes no namespaces says so before the test has begun.
    let began = text.contains("running 1 test");
    if began || must_work() {
        assert!(passed, "{text}");
    } else {
        eprintln!("not tested here: no network namespace can be made: {text}");
    }
}

async fn within() {
    let options =
        || ProbeOptions { connect_timeout: Duration::from_millis(200), timeout: Duration::from_secs(1), ..loose(&[]) };
    let guarded = probe(options());
    for address in INSIDE {
        let server =
            Server::http(free(address), |request| answer(if request.contains(KEY) { 200 } else { 401 }, "{}")).await;
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{}", server.address);
            assert!(!guarded.admits(&endpoint(&url)).await, "{url}");
            assert_unreachable(&find(&guarded, &customers(), &url).await, &url);
        }
        assert_eq!(server.connections(), 0, "{address}");
        // It does answer, if the operator says that it may be asked.
        let network = format!("{address}/{}", if address.contains(':') { 128 } else { 32 });
        let open = probe(loose(&[network.as_str()]));
        assert_eq!(find(&open, &customers(), &server.url()).await.verdict, Verdict::Valid, "{address}");
    }
}
