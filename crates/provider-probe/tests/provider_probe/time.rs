//! Whatever is behind a customer's address that cannot be asked, it takes one time to say so.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use byok_core::{KeyProbe, ProbeCall, Provider};
use provider_probe::{GuardedProbe, ProbeOptions};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::{
    dns::{Dns, Is},
    server::{Server, free},
    setting::{QUIET, assert_unreachable, customers, endpoint, find, loose, probe},
};

const ROUNDS: usize = 50;
const CONNECT: Duration = Duration::from_millis(300);

/// A port whose queue of new connections is full: nothing that is sent there is answered, as behind a filter.
struct Filtered {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Filtered {
    async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(free("127.0.0.2")).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            queue.push(stream);
            assert!(queue.len() < 100, "the queue is never full");
        }
        Self { address, _listener: listener, _queue: queue }
    }
}

/// Asks, and asserts that the answer says nothing, neither in words nor by its time.
async fn one(probe: GuardedProbe, about: &'static str, url: String) {
    let expected = CONNECT..CONNECT + Duration::from_millis(200);
    let start = Instant::now();
    let finding = find(&probe, &customers(), &url).await;
    let took = start.elapsed();
    assert_unreachable(&finding, about);
    assert!(expected.contains(&took), "{about}: {took:?}");
    let told = Duration::from_millis(finding.latency_ms + 1);
    assert!(expected.contains(&told), "{about}: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocked_refused_filtered_and_failed_tls_take_one_time() {
    let _quiet = QUIET.lock().await;
    let filtered = Filtered::new().await;
    let refused = {
        let gone = Server::sink(free("127.0.0.2")).await;
        gone.address
    };
    let no_tls = Server::raw(free("127.0.0.2"), |mut stream| async move {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.ok();
    })
    .await;
    let mute_tls = Server::raw(free("127.0.0.2"), |stream| async move {
        let held = stream;
        std::future::pending::<()>().await;
        drop(held);
    })
    .await;
    let dns = Dns::start(|name, _| if name == "inside.test" { Is::at(&["10.0.0.5"]) } else { Is::Unknown }).await;
    let options = ProbeOptions { connect_timeout: CONNECT, dns_server: Some(dns.address), ..loose(&["127.0.0.2/32"]) };
    let probe = probe(options);
    let targets = [
        ("blocked", "https://10.0.0.5:8443".to_owned()),
        ("a name that is blocked", "https://inside.test".to_owned()),
        ("a name that is unknown", "https://unknown.test".to_owned()),
        ("refused", format!("https://{refused}")),
        ("filtered", format!("https://{}", filtered.address)),
        ("no TLS", format!("https://{}", no_tls.address)),
        ("mute TLS", format!("https://{}", mute_tls.address)),
    ];
    for _ in 0..ROUNDS {
        let mut round = JoinSet::new();
        for (about, url) in targets.clone() {
            round.spawn(one(probe.clone(), about, url));
        }
        round.join_all().await;
    }
    assert_eq!((no_tls.connections(), mute_tls.connections()), (ROUNDS, ROUNDS));
}

#[tokio::test]
async fn what_is_not_admitted_takes_one_time() {
    let _quiet = QUIET.lock().await;
    let dns = Dns::start(|name, _| if name == "inside.test" { Is::at(&["10.0.0.5"]) } else { Is::Unknown }).await;
    let options = ProbeOptions { connect_timeout: CONNECT, dns_server: Some(dns.address), ..loose(&["127.0.0.2/32"]) };
    let probe = probe(options);
    for url in ["https://10.0.0.5", "https://inside.test", "https://unknown.test", "http://8.8.8.8"] {
        let start = Instant::now();
        assert!(!probe.admits(&endpoint(url)).await, "{url}");
        let took = start.elapsed();
        assert!((CONNECT..CONNECT + Duration::from_millis(200)).contains(&took), "{url}: {took:?}");
    }
    let start = Instant::now();
    assert!(probe.admits(&endpoint("https://127.0.0.2:1")).await);
    assert!(probe.admits(&endpoint("https://8.8.8.8")).await);
    assert!(start.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_provider_s_own_address_is_told_of_at_once() {
    let _quiet = QUIET.lock().await;
    let options = ProbeOptions { connect_timeout: CONNECT, ..loose(&[]) };
    let home = byok_core::Home::Fixed(endpoint("https://10.0.0.5"));
    let provider = Provider { home, probe: ProbeCall::Get("/v1/models".into()), ..customers() };
    let start = Instant::now();
    assert_unreachable(&find(&probe(options), &provider, "https://10.0.0.5").await, "fixed");
    assert!(start.elapsed() < CONNECT);
}
