//! Addresses in every disguise: none is asked, wherever it leads.

use std::time::Duration;

use byok_core::{Endpoint, KeyProbe};
use provider_probe::ProbeOptions;
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    dns::{Dns, Is},
    server::{Server, free},
    setting::{QUIET, assert_unreachable, customers, endpoint, find, loose, probe},
};

/// One URL a line; `{port}` is where the sink listens.
const CORPUS: &str = include_str!("corpus.txt");

/// Where the corpus' names lead.
fn inside(name: &str) -> Is {
    match name {
        "loopback.test" | "localtest.example" | "127.0.0.1.nip.example" | "xn--e1afmkfd.test" => Is::at(&["127.0.0.1"]),
        "loopback6.test" | "ip6-localhost.example" => Is::at(&["::1"]),
        "both.test" => Is::at(&["127.0.0.1", "::1"]),
        "mixed.test" => Is::at(&["8.8.8.8", "127.0.0.1"]),
        "mixed6.test" => Is::at(&["8.8.8.8", "::1"]),
        "public6private4.test" => Is::at(&["2606:4700:4700::1111", "10.0.0.5"]),
        "chain.test" => Is::Chain(vec!["a.example", "b.example", "inside.example"], vec!["127.0.0.1".parse().unwrap()]),
        "zero.test" => Is::at(&["0.0.0.0"]),
        "zero6.test" => Is::at(&["::"]),
        "private.test" => Is::at(&["10.0.0.5"]),
        "metadata.google.internal" | "metadata.test" => Is::at(&["169.254.169.254"]),
        "mapped.test" => Is::at(&["::ffff:127.0.0.1"]),
        "nat64.test" => Is::at(&["64:ff9b::7f00:1"]),
        "sixtofour.test" => Is::at(&["2002:7f00:1::"]),
        "ula.test" => Is::at(&["fd00::5"]),
        "linklocal.test" => Is::at(&["fe80::1"]),
        "multicast.test" => Is::at(&["224.0.0.1"]),
        "wireserver.test" => Is::at(&["168.63.129.16"]),
        _ => Is::Unknown,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_url_of_the_corpus_reaches_a_sink() {
    let _quiet = QUIET.lock().await;
    // Every address of this machine, of both kinds.
    let sink = Server::sink(free("::")).await;
    let port = sink.address.port();
    let dns = Dns::start(|name, _| inside(name)).await;
    let urls: Vec<String> = CORPUS.lines().map(|line| line.replace("{port}", &port.to_string())).collect();
    assert!(urls.len() >= 120, "{}", urls.len());
    // Every port and http: nothing but the check of addresses is between the corpus and the sink.
    let options = ProbeOptions {
        dns_server: Some(dns.address),
        connect_timeout: Duration::from_millis(300),
        timeout: Duration::from_secs(1),
        ..loose(&[])
    };
    // The names do lead there: the operator could allow it.
    let allowed = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()).to_vec();
    let open = probe(ProbeOptions { allowed_networks: allowed, ..options.clone() });
    for name in ["loopback.test", "both.test", "chain.test", "localhost", "127.0.0.1"] {
        assert!(open.admits(&endpoint(&format!("https://{name}:{port}"))).await, "{name}");
    }
    let probe = probe(options);
    let mut all = JoinSet::new();
    for url in urls {
        let probe = probe.clone();
        all.spawn(async move {
            // What cannot be an endpoint is never asked.
            let Ok(endpoint) = Endpoint::parse(&url) else { return false };
            assert!(!probe.admits(&endpoint).await, "{url}");
            assert_unreachable(&find(&probe, &customers(), &url).await, &url);
            true
        });
    }
    let asked = all.join_all().await.into_iter().filter(|asked| *asked).count();
    assert!(asked >= 100, "most of the corpus are endpoints: {asked}");
    assert_eq!(sink.connections(), 0);
    assert!(sink.requests().is_empty());
    for address in ["127.0.0.1", "127.9.9.9", "::1"] {
        TcpStream::connect((address, port)).await.expect("the sink listens on every address");
    }
}
