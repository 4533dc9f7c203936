//! Customers' own provider keys in this process, without a database: sealing and opening beside two bare AES-256-GCM operations each,
//! and what a service's call costs that is decided and gets its key.
//!
//! `scripts/bench byok`, or `just bench byok`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

#[expect(dead_code, reason = "this benchmark starts no program")]
mod bench;
#[path = "bench/ports.rs"]
mod ports;

use std::hint::black_box;
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use bench::{Figure, report};
use byok_core::policy::seal;
use byok_core::{Binding, KeyRing, MasterKey, ProviderSecret, Purpose};
use kernel::{Actor, Ambient, OrgId, ProviderKeyId};
use ports::Ports;

const RUNS: usize = 5;
const CALLS: u32 = 20_000;
/// A key as long as those of large providers.
const SECRET: &str =
    "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz-WXYZ";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ambient = Ambient::system();
    let (ring, place) = (ring(&ambient), place(&ambient));
    let secret = ProviderSecret::parse(SECRET.to_owned().into()).unwrap();
    let sealed = seal::seal(&ring, &place, &secret, &ambient).unwrap();
    let bare = Bare::new(&ambient);
    let figures = [
        beside(
            "seal a provider key",
            || drop(black_box(seal::seal(&ring, &place, &secret, &ambient).unwrap())),
            || bare.encrypt(&ambient),
        ),
        beside(
            "open a provider key",
            || drop(black_box(seal::open(&ring, &place, &sealed).unwrap())),
            || bare.decrypt(),
        ),
        admission(Ports::new(&ring, &place, &secret, &ambient)).await,
    ];
    report(&figures);
}

fn ring(ambient: &Ambient) -> KeyRing {
    let key = || MasterKey::new(ambient.random()).unwrap();
    KeyRing::new("k1".parse().unwrap(), [("k1".parse().unwrap(), key())], key()).unwrap()
}

fn place(ambient: &Ambient) -> Binding {
    Binding {
        purpose: Purpose::ProviderKey,
        org: OrgId::mint(ambient),
        provider: "openai".parse().unwrap(),
        id: ProviderKeyId::mint(ambient),
        version: 1,
        endpoint: None,
    }
}

/// The same two operations without format, binding and types: a data key under a master key, a secret under the data key.
struct Bare {
    master: [u8; 32],
    data_key: [u8; 32],
    nonces: [[u8; 12]; 2],
    wrapped: Vec<u8>,
    sealed: Vec<u8>,
}

/// As many bytes as a place's binding has.
const BOUND: [u8; 128] = [7; 128];

fn aead(key: &[u8; 32], nonce: &[u8; 12], text: &[u8], open: bool) -> Vec<u8> {
    let (cipher, nonce, payload) =
        (Aes256Gcm::new(key.into()), Nonce::from(*nonce), Payload { msg: text, aad: &BOUND });
    if open { cipher.decrypt(&nonce, payload) } else { cipher.encrypt(&nonce, payload) }.expect("it fits")
}

impl Bare {
    fn new(ambient: &Ambient) -> Self {
        let (master, data_key, nonces) = (ambient.random(), ambient.random(), [ambient.random(), ambient.random()]);
        let [first, second] = &nonces;
        let wrapped = aead(&master, first, &data_key, false);
        let sealed = aead(&data_key, second, SECRET.as_bytes(), false);
        Self { master, data_key, nonces, wrapped, sealed }
    }

    fn encrypt(&self, ambient: &Ambient) {
        let data_key: [u8; 32] = ambient.random();
        black_box(aead(&self.master, &ambient.random(), &data_key, false));
        black_box(aead(&data_key, &ambient.random(), SECRET.as_bytes(), false));
    }

    fn decrypt(&self) {
        let [first, second] = &self.nonces;
        black_box(aead(&self.master, first, &self.wrapped, true));
        black_box(aead(&self.data_key, second, &self.sealed, true));
    }
}

/// How long a call takes.
struct Taken {
    mean_us: f64,
    p99_ms: f64,
}

fn taken(mut times: Vec<Duration>) -> Taken {
    times.sort_unstable();
    let total: Duration = times.iter().sum();
    let p99 = times.get(times.len() * 99 / 100).unwrap();
    Taken { mean_us: total.as_secs_f64() * 1e6 / f64::from(CALLS), p99_ms: p99.as_secs_f64() * 1e3 }
}

fn timed(mut call: impl FnMut()) -> Taken {
    let once = |_| {
        let started = Instant::now();
        call();
        started.elapsed()
    };
    taken((0..CALLS).map(once).collect())
}

/// Ours and the floor in turn; the run in which ours does worst.
fn beside(name: &str, mut ours: impl FnMut(), mut floor: impl FnMut()) -> Figure {
    timed(&mut ours);
    let pairs: Vec<(Taken, Taken)> = (0..RUNS).map(|_| (timed(&mut ours), timed(&mut floor))).collect();
    let ratio = |pair: &&(Taken, Taken)| pair.0.mean_us / pair.1.mean_us;
    let worst = pairs.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b))).unwrap();
    Figure {
        name: name.into(),
        unit: "µs",
        ours: worst.0.mean_us,
        floor: worst.1.mean_us,
        goal: "≤ 2 × two bare AES-256-GCM".into(),
        ratio: ratio(&worst),
        p99_ms: Some(worst.0.p99_ms),
        rss_mb: None,
        runs: pairs.iter().map(|pair| ratio(&pair)).collect(),
    }
}

/// The longest that a decided call with its key may take, in microseconds.
const MOST: f64 = 11.0;

/// Entitlement, quotas, rate limit and who pays, and then the key itself, opened and written down.
async fn admission(ports: Ports) -> Figure {
    let (decision, resolution, call, provider) =
        (ports.decision(), ports.resolution(), ports.call(), Ports::provider());
    let actor = Actor::system();
    let mut runs = Vec::new();
    for run in 0..=RUNS {
        let mut times = Vec::new();
        for _ in 0..CALLS {
            let started = Instant::now();
            let verdict = decision.decide(&call).await.unwrap();
            let resolved = resolution.resolve(&actor, call.org, &provider).await.unwrap();
            times.push(started.elapsed());
            assert!(verdict.allow && verdict.pays == plan_core::Pays::Byok && resolved.secret.expose() == SECRET);
        }
        // The first one is for warming up.
        if run > 0 {
            runs.push(taken(times));
        }
    }
    let worst = runs.iter().max_by(|a, b| a.mean_us.total_cmp(&b.mean_us)).unwrap();
    Figure {
        name: "decision and key of a call, in process, warm".into(),
        unit: "µs",
        ours: worst.mean_us,
        floor: MOST,
        goal: format!("≤ {MOST} µs"),
        ratio: worst.mean_us / MOST,
        p99_ms: Some(worst.p99_ms),
        rss_mb: None,
        runs: runs.iter().map(|run| run.mean_us).collect(),
    }
}
