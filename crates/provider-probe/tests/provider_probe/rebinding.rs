//! Names that change their mind between one question and the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use byok_core::KeyProbe;
use hickory_resolver::proto::rr::RecordType;
use provider_probe::ProbeOptions;

use crate::{
    dns::{Dns, Is},
    server::{Server, free},
    setting::{QUIET, customers, endpoint, find, loose, probe},
};

mod rounds {
    use tokio::task::JoinSet;

    /// Runs rounds, some at a time.
    #[derive(Default)]
    pub struct Rounds(JoinSet<()>);

    impl Rounds {
        const AT_ONCE: usize = 25;

        pub async fn add(&mut self, round: impl Future<Output = ()> + Send + 'static) {
            if self.0.len() >= Self::AT_ONCE {
                self.0.join_next().await.expect("a round").expect("no panic");
            }
            self.0.spawn(round);
        }

        pub async fn end(mut self) {
            while let Some(round) = self.0.join_next().await {
                round.expect("no panic");
            }
        }
    }
}

use rounds::Rounds;

const GOOD: &str = "127.0.0.2";
const BAD: &str = "127.0.0.1";

/// Good for one question, bad for the next.
fn alternating(turn: usize) -> &'static str {
    if turn.is_multiple_of(2) { GOOD } else { BAD }
}

fn script(turn: &AtomicUsize, name: &str, kind: RecordType) -> Is {
    // Both kinds of record are asked for; one of them moves the turn.
    let turn = if kind == RecordType::A { turn.fetch_add(1, Ordering::SeqCst) } else { 1 };
    match name {
        "flip.test" if kind == RecordType::A => Is::at(&[alternating(turn)]),
        "both.test" => Is::at(&[GOOD, BAD, "::1"]),
        "six.test" if kind == RecordType::AAAA => Is::at(&["::1"]),
        "six.test" => Is::at(&[GOOD]),
        "chain.test" if kind == RecordType::A => {
            Is::Chain(vec!["a.example", "b.example"], vec![alternating(turn).parse().unwrap()])
        }
        "flip.test" | "chain.test" => Is::at(&[]),
        _ => Is::Unknown,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_names_that_change_their_mind_lead_nowhere() {
    let _quiet = QUIET.lock().await;
    let good = Server::sink(free(GOOD)).await;
    let sink = Server::sink((BAD.parse::<std::net::IpAddr>().unwrap(), good.address.port()).into()).await;
    let sink_v6 = Server::sink(("::1".parse::<std::net::IpAddr>().unwrap(), good.address.port()).into()).await;
    let turn = Arc::new(AtomicUsize::new(0));
    let dns = Dns::start(move |name, kind| script(&turn, name, kind)).await;
    let probe = probe(ProbeOptions {
        dns_server: Some(dns.address),
        connect_timeout: Duration::from_millis(100),
        ..loose(&["127.0.0.2/32"])
    });
    let mut rounds = Rounds::default();
    for round in 0..1000 {
        let name = ["flip.test", "both.test", "six.test", "chain.test"][round % 4];
        let (probe, url) = (probe.clone(), format!("http://{name}:{}", good.address.port()));
        rounds
            .add(async move {
                // Asked first whether it may be, and then asked: the answer may be another one by then.
                probe.admits(&endpoint(&url)).await;
                find(&probe, &customers(), &url).await;
            })
            .await;
    }
    rounds.end().await;
    assert_eq!((sink.connections(), sink_v6.connections()), (0, 0));
    assert!(good.connections() > 50, "the good address is asked: {}", good.connections());
}
