//! WH-8: a flood of events that nobody signed leaves no trace, takes no memory, and keeps no real event waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kernel::{Clock, SystemClock};
use serde_json::json;
use testkit::{Backend, FakeStripe};

use super::WEBHOOK;
use super::till::Till;
use crate::crawl::wire::{Call, Wire};
use crate::rig::process::Server;
use crate::rig::tables::{open, rows};

/// Connections that send junk, each one request after the other.
const LANES: usize = 16;
const LONG: Duration = Duration::from_secs(5);
/// As much as a real event has.
const FILL: usize = 6 * 1024;
/// Fewer would be no flood.
const FLOOD: usize = 1_000;
/// How much the program may grow by, in KiB.
const GROWTH: u64 = 20 * 1024;

fn wire(server: &Server) -> Wire {
    Wire::new(server.base.strip_prefix("http://").expect("plain").parse().expect("an address"))
}

fn event(name: &str) -> Vec<u8> {
    let object = json!({ "object": "invoice", "customer": "cus_nobody", "description": "x".repeat(FILL) });
    json!({ "id": name, "type": "invoice.paid", "livemode": false, "data": { "object": object } }).to_string().into()
}

fn call(body: &[u8], signature: &str) -> Call {
    Call::new("POST", WEBHOOK).header("Stripe-Signature", signature).body("application/json", body)
}

/// An event that is not Stripe's, in one of the ways there are.
fn junk(stripe: &FakeStripe, number: usize) -> Call {
    let (body, now) = (event(&format!("evt_junk_{number}")), SystemClock.now());
    let good = stripe.sign(&body);
    match number % 5 {
        0 => call(&body, &FakeStripe::sign_with("whsec_other", now, &body)),
        1 => call(&body, &good.replace("v1=", "v0=")),
        2 => call(&body[1..], &good),
        3 => call(&body, &FakeStripe::sign_with(&stripe.webhook_secret(), now - chrono::TimeDelta::hours(1), &body)),
        _ => Call::new("POST", WEBHOOK).body("application/json", &body),
    }
}

/// Sends junk over one connection until the end.
async fn flood(wire: Wire, till: Arc<Till>, (from, end): (usize, Instant), sent: Arc<AtomicUsize>) {
    let mut number = from;
    while Instant::now() < end {
        let answer = wire.sent(&junk(&till.stripe, number)).await.expect("an answer");
        assert_eq!(answer.verdict(), "400 invalid_signature");
        sent.fetch_add(1, Ordering::SeqCst);
        number += LANES;
    }
}

/// Sends real events until the end; how long each took.
async fn mail(wire: &Wire, till: &Till, prefix: &str, end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let body = event(&format!("evt_{prefix}_{}", times.len()));
        let began = Instant::now();
        let answer = wire.sent(&call(&body, &till.stripe.sign(&body))).await.expect("an answer");
        times.push(began.elapsed());
        assert_eq!(answer.ok()["status"], "received");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times
}

/// What the process has in memory, in KiB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Floods it for so long; the times of real events meanwhile, how much junk was sent, and the most memory that the process had.
async fn storm(till: &Arc<Till>, server: &Server, name: &str, long: Duration) -> (Vec<Duration>, usize, u64) {
    let (end, sent) = (Instant::now() + long, Arc::new(AtomicUsize::new(0)));
    let lanes: Vec<_> =
        (0..LANES).map(|lane| tokio::spawn(flood(wire(server), till.clone(), (lane, end), sent.clone()))).collect();
    let most = async {
        let mut most = 0;
        while Instant::now() < end {
            most = most.max(resident(server));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        most
    };
    let one = wire(server);
    let (times, most) = tokio::join!(mail(&one, till, name, end), most);
    for lane in lanes {
        lane.await.expect("it was refused");
    }
    (times, sent.load(Ordering::SeqCst), most.max(resident(server)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_junk_is_not_kept_and_delays_nothing() {
    let till = Arc::new(Till::on(Backend::Sqlite).await);
    let server = till.serve();
    // What every connection has and every route needs is there before it is weighed.
    let (before, ..) = storm(&till, &server, "warm", Duration::from_secs(1)).await;
    let weight = resident(&server);
    let (mut times, junk, most) = storm(&till, &server, "good", LONG).await;
    times.sort_unstable();
    let slow = times[(times.len() * 99).div_ceil(100) - 1];
    println!("{junk} refused and {} kept, 99 % within {slow:?}; {weight} KiB, at most {most}", times.len());
    assert!(junk >= FLOOD, "{junk} are no flood");
    assert!(slow <= Duration::from_secs(1), "{slow:?}");
    assert!(most <= weight + GROWTH, "{weight} KiB became {most}");
    let database = open(&till.site.folder().join("data"), till.site.database().as_deref()).await;
    let kept = rows(&database, "SELECT id FROM inbox_event WHERE id LIKE 'evt_junk%'").await.len();
    let all = rows(&database, "SELECT id FROM inbox_event").await.len();
    assert_eq!((kept, all), (0, before.len() + times.len()));
    database.close().await.expect("no connection");
}
