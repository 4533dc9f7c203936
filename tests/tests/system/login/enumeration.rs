//! LOG-2: whether an account exists, or may be used, cannot be told from an answer or from how long it takes.

use std::time::{Duration, Instant};

use kernel::Actor;
use serde_json::{Value, json};
use testkit::{Answer, Backend, TestApp, TestUser};

/// Samples of each kind at least; more when the machine is too noisy to tell.
const SAMPLES: usize = 100;
/// How far the medians may be apart, in milliseconds.
const APART: f64 = 10.0;

/// Logins that must not be told apart.
struct Logins {
    there: TestUser,
    disabled: TestUser,
}

impl Logins {
    async fn prepare(app: &TestApp) -> Self {
        let (there, disabled) = (app.user("there@x.test").await, app.user("gone@x.test").await);
        let id = disabled.id;
        let done = app.run(move |services| async move { services.users.disable(&Actor::system(), id).await });
        done.await.expect("a disabled account");
        Self { there, disabled }
    }

    /// Unknown, known with a wrong password, disabled with the right one.
    fn all(&self) -> [(&str, &str); 3] {
        [
            ("nobody@x.test", "a wrong password"),
            (&self.there.email, "a wrong password"),
            (&self.disabled.email, &self.disabled.password),
        ]
    }
}

/// An attempt from an address of its own, when nobody has to wait any more.
async fn attempt(app: &TestApp, (login, password): (&str, &str)) -> Answer {
    let answer =
        app.visitor().post("/api/v1/auth/login").json(&json!({ "username": login, "password": password })).await;
    answer.problem(401, "invalid_credentials");
    answer
}

/// Everything of an answer but what is of this request alone.
fn shown(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "x-request-id", "content-length"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())).collect();
    // Their order is that of a hash table, and differs from answer to answer.
    headers.sort();
    let mut body: Value = answer.json();
    let id = body["request_id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
    body["request_id"] = json!("");
    // Not the value: the bytes, in their order.
    (answer.status, headers, answer.text().replace(&id, ""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_wrong_and_disabled_give_the_same_bytes() {
    TestApp::each(|app| async move {
        let logins = Logins::prepare(&app).await;
        let mut seen = Vec::new();
        for login in logins.all() {
            seen.push(shown(&attempt(&app, login).await));
        }
        assert_eq!(seen[0], seen[1], "unknown and wrong");
        assert_eq!(seen[0], seen[2], "unknown and disabled");
        // And while they wait.
        let mut waiting = Vec::new();
        for (login, password) in logins.all() {
            let credentials = json!({ "username": login, "password": password });
            let answer = app.visitor().post("/api/v1/auth/login").json(&credentials).await;
            answer.problem(429, "too_many_attempts");
            waiting.push(shown(&answer));
        }
        assert_eq!(waiting[0], waiting[1]);
        assert_eq!(waiting[0], waiting[2]);
    })
    .await;
}

/// The median, in milliseconds.
fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = samples.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// How far the kinds are apart, in milliseconds: the greatest median of the differences within a round. In a round each kind is
/// measured once, so that whatever else the machine does falls on all of them.
async fn measure(app: &TestApp, logins: &Logins, samples: &mut [Vec<f64>; 3]) -> f64 {
    for round in 0..SAMPLES {
        // Nobody has to wait after a quarter of an hour.
        app.clock.advance(Duration::from_secs(901));
        for turn in 0..3 {
            let kind = (turn + round) % 3;
            let began = Instant::now();
            attempt(app, logins.all()[kind]).await;
            samples[kind].push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let medians = [0, 1, 2].map(|kind| median(samples[kind].iter().copied()));
    let apart = [(0, 1), (0, 2), (1, 2)]
        .map(|(one, other)| median(samples[one].iter().zip(&samples[other]).map(|(one, other)| one - other)).abs());
    println!("  n = {}: unknown, wrong, disabled {medians:.1?} ms, apart {apart:.1?} ms", samples[0].len());
    apart.into_iter().fold(0.0, f64::max)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_wrong_and_disabled_take_the_same_time() {
    for backend in [Backend::Sqlite, Backend::Postgres].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        // What a hash costs by default.
        let app = TestApp::builder().backend(backend).config(|config| {
            config.password.memory_kib = 19_456;
            config.password.iterations = 2;
        });
        let app = app.start().await;
        let logins = Logins::prepare(&app).await;
        let mut samples = [vec![], vec![], vec![]];
        let mut apart = f64::MAX;
        // A real difference does not go away with more samples; noise does.
        for _ in 0..3 {
            apart = measure(&app, &logins, &mut samples).await;
            if apart <= APART {
                break;
            }
        }
        assert!(apart <= APART, "the medians are {apart:.1} ms apart");
    }
}
