//! SES-4: the server ends sessions, idle ones and old ones, whatever the browser thinks.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Backend, Client, TestApp};

use crate::rig::cookie::choose;

const SECOND: Duration = Duration::from_secs(1);

/// The app's clock, set to points in time after a beginning.
struct Timeline<'a> {
    app: &'a TestApp,
    began: Instant,
    moved: Duration,
}

impl<'a> Timeline<'a> {
    fn begin(app: &'a TestApp) -> Self {
        Self { app, began: Instant::now(), moved: Duration::ZERO }
    }

    /// Goes to so long after the beginning; what really passed is part of it.
    fn to(&mut self, seconds: u64) {
        let further = Duration::from_secs(seconds).saturating_sub(self.began.elapsed() + self.moved);
        self.app.clock.advance(further);
        self.moved += further;
    }
}

/// Waits, in real time, until so long after the beginning.
async fn real(began: Instant, seconds: f64) {
    tokio::time::sleep_until((began + Duration::from_secs_f64(seconds)).into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_real_time_idle_sessions_end_and_busy_ones_too() {
    let one = |backend: Backend| async move {
        let small = TestApp::builder().backend(backend).config(|config| {
            config.session.idle = Duration::from_secs(2);
            config.session.absolute = Duration::from_secs(6);
        });
        let app = small.start().await;
        let (reader, writer, idler) =
            (app.user("reader@x.test").await, app.user("writer@x.test").await, app.user("idler@x.test").await);
        for user in [&reader, &writer, &idler] {
            user.sign_in().await;
        }
        let began = Instant::now();
        // Polls each second, by reading and by writing: neither lives longer than the absolute lifetime, neither dies before it.
        for second in 1..=5 {
            real(began, f64::from(second)).await;
            reader.get("/api/v1/auth/me").await.expect(200);
            choose(&writer).await.expect(200);
            if second == 3 {
                idler.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
            }
        }
        real(began, 5.9).await;
        reader.get("/api/v1/auth/me").await;
        real(began, 6.9).await;
        reader.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        choose(&writer).await.problem(401, "unauthenticated");
    };
    let running: Vec<_> = Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_there())
        .map(|backend| tokio::spawn(one(backend)))
        .collect();
    for one in running {
        one.await.expect("a good end");
    }
}

/// Idle and absolute lifetime of a session, by the defaults.
async fn holds(app: &TestApp, client: &Client, sign_in: impl AsyncFn(), (idle, absolute): (u64, u64)) {
    sign_in().await;
    let mut time = Timeline::begin(app);
    time.to(idle - 1);
    client.get("/api/v1/auth/me").await.expect(200);
    // Reading slid it.
    time.to(2 * idle - 2);
    client.get("/api/v1/auth/me").await.expect(200);
    time.to(3 * idle - 1);
    client.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
    choose(client).await.problem(401, "unauthenticated");

    sign_in().await;
    let mut time = Timeline::begin(app);
    for poll in 1..=(absolute - 2) / (idle - 60) {
        time.to(poll * (idle - 60));
        if poll % 2 == 0 { choose(client).await } else { client.get("/api/v1/auth/me").await }.expect(200);
    }
    time.to(absolute - 1);
    client.get("/api/v1/auth/me").await.expect(200);
    time.to(absolute + 1);
    client.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
    choose(client).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_half_an_hour_and_twelve_hours_for_admins_a_quarter_and_eight() {
    TestApp::each(|app| async move {
        let user = app.user("ada@x.test").await;
        holds(&app, &user, async || drop(user.sign_in().await), (30 * 60, 12 * 3600)).await;
        let admin = app.admin().await;
        let answer = admin.sign_in().await;
        let cookie = answer.set_cookies().into_iter().find(|line| line.contains("ops_session")).expect("a cookie");
        assert!(cookie.contains("Max-Age=28800"), "{cookie}");
        assert_eq!(answer.json()["expires_in"], 28800);
        holds(&app, &admin, async || drop(admin.sign_in().await), (15 * 60, 8 * 3600)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_token_is_not_a_new_lifetime() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        ada.sign_in().await;
        let mut time = Timeline::begin(&app);
        let until = ada.get("/api/v1/auth/session").await.expect(200)["expires_at"].clone();
        for half_hour in 1..=24 {
            time.to(half_hour * 1795);
            ada.switch_org(&org).await;
        }
        time.to(12 * 3600 - 1);
        ada.delete("/api/v1/auth/sessions/others").await.expect(200);
        assert_eq!(ada.get("/api/v1/auth/session").await.expect(200)["expires_at"], until);
        time.to(12 * 3600 + 1);
        ada.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_goes_back_revives_nothing() {
    TestApp::each(|app| async move {
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        app.clock.advance(Duration::from_secs(1801));
        ada.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        bob.sign_in().await;
        bob.sign_out().await;
        app.clock.step_back(Duration::from_hours(1));
        ada.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        choose(&bob).await.problem(401, "unauthenticated");
        let bob = bob.in_new_browser();
        bob.sign_in().await;
        let list = bob.get("/api/v1/auth/sessions").await.expect(200);
        assert!(!list["sessions"].as_array().expect("sessions").is_empty());
        app.clock.advance(SECOND);
        bob.get("/api/v1/auth/me").await.expect(200);
        assert_eq!(list["sessions"][0]["is_current"], json!(true));
    })
    .await;
}
