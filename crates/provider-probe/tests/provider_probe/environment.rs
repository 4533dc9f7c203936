//! Proxies that the environment names are not used. The environment of a process cannot be changed safely: a second one is started.

use std::process::{Command, Stdio};

use byok_core::Verdict;

use crate::{
    server::{Server, answer, free},
    setting::{KEY, customers, find, loose, probe},
};

const NAMES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_the_environment_is_not_used() {
    let proxy = Server::sink(free("127.0.0.1")).await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "environment::what_the_environment_says_changes_nothing"]).stdout(Stdio::piped());
    // With this one, HTTP_PROXY would not count (httpoxy).
    command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    for name in NAMES {
        command.env(name, proxy.url());
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(proxy.connections(), 1, "the one of a client that does believe the environment");
}

/// Alone, this is a test like others; with a proxy in the environment it is the other half of the one above.
#[tokio::test]
async fn what_the_environment_says_changes_nothing() {
    let server =
        Server::http(free("127.0.0.1"), |request| answer(if request.contains(KEY) { 200 } else { 401 }, "{}")).await;
    // Goes to the proxy if there is one: so the environment is believed by those who believe it.
    rustls::crypto::ring::default_provider().install_default().ok();
    let credulous = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let status = credulous.get(server.url()).send().await.unwrap().status();
    assert!(status == 200 || status == 401, "{status}");
    let before = server.connections();
    let finding = find(&probe(loose(&["127.0.0.1/32"])), &customers(), &server.url()).await;
    assert_eq!((finding.verdict, server.connections() - before), (Verdict::Valid, 2));
}
