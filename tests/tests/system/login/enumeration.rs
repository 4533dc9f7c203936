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

/// The median of something measured in milliseconds.
fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// How far the medians of two kinds are apart, and how exactly that is known: its standard error (from the median of the absolute
/// deviations, which outliers do not move). Of each round the difference counts, so that whatever else the machine does falls on both.
fn apart(one: &[f64], other: &[f64]) -> (f64, f64) {
    let differences: Vec<f64> = one.iter().zip(other).map(|(one, other)| one - other).collect();
    let middle = median(differences.clone());
    let deviation = 1.4826 * median(differences.iter().map(|difference| (difference - middle).abs()).collect());
    let count = f64::from(u32::try_from(differences.len()).expect("a count"));
    (middle.abs(), 1.2533 * deviation / count.sqrt())
}

/// Measures each kind in turn.
async fn measure(app: &TestApp, logins: &Logins, samples: &mut [Vec<f64>; 3]) {
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
        // On a busy machine the difference is known exactly enough only after more samples.
        for _ in 0..3 {
            measure(&app, &logins, &mut samples).await;
            let pairs = [(0, 1), (0, 2), (1, 2)].map(|(one, other)| apart(&samples[one], &samples[other]));
            let medians = [0, 1, 2].map(|kind| median(samples[kind].clone()));
            println!("  n = {}: unknown, wrong, disabled {medians:.1?} ms, apart {pairs:.1?} ms", samples[0].len());
            for (apart, error) in pairs {
                assert!(apart - 3.0 * error <= APART, "the medians are {apart:.1} ms apart, ± {error:.1}");
            }
            if pairs.iter().all(|(apart, error)| apart + 3.0 * error <= APART) {
                break;
            }
        }
    }
}
