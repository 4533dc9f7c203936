//! TR1 to TR5 attacked against two processes: what is in flight while sessions end brings none back, and loses nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Backend, Client, TestApp};

use crate::rig::cookie::{Cookies, own};
use crate::rig::process::{Server, Site, sign_in};
use crate::rig::redis::{Redis, everything};
use crate::rig::storm::{Storm, let_in_after};
use crate::rig::{at_once, until};

/// Two processes on one database and one Redis, and people who have accounts.
struct House {
    site: Site,
    one: Server,
    two: Server,
}

impl House {
    async fn open(backend: Backend) -> Self {
        let site = Site::on(backend).await;
        let (one, two) = (site.serve(), site.serve());
        Self { site, one, two }
    }

    fn bases(&self) -> [&str; 2] {
        [&self.one.base, &self.two.base]
    }

    /// Somebody signed in twice, in an organization of the boss.
    async fn victim(&self, name: &str, boss: &Client) -> Victim {
        let id = self.site.account(name);
        let made = boss.post("/api/v1/org").json(&json!({ "name": name })).await.expect(201);
        let org = made["organization"]["id"].as_str().expect("an id").to_owned();
        boss.put(&format!("/api/v1/org/{org}/settings")).json(&json!({ "autoAcceptMembers": true })).await.expect(200);
        let member = json!({ "email": format!("{name}@x.test"), "role": "member" });
        boss.post(&format!("/api/v1/org/{org}/members")).json(&member).await.expect(201);
        let sessions = [sign_in(&self.one.base, name).await, sign_in(&self.two.base, name).await];
        let cookies = Cookies::default();
        for session in &sessions {
            cookies.note_of(session);
            session.post("/api/v1/org/switch").json(&json!({ "org_id": org })).await.expect(200);
            cookies.note_of(session);
        }
        Victim { id, org, sessions, cookies }
    }
}

struct Victim {
    id: String,
    org: String,
    sessions: [Client; 2],
    cookies: Cookies,
}

/// Ends sessions while fifty writers use them; afterwards only `alive` lives.
async fn storm(house: &House, victim: &Victim, sessions: &[Client], end: impl AsyncFn() -> bool, alive: &[&Client]) {
    let storm = Storm::begin(sessions, &house.bases(), &victim.org, &victim.cookies).await;
    let began = Instant::now();
    while !end().await {
        assert!(began.elapsed() < Duration::from_secs(30), "the end is not acknowledged");
    }
    let acknowledged = Instant::now();
    let sent = storm.end().await;
    let alive: BTreeSet<String> = alive.iter().filter_map(|client| client.cookie("ops_session")).collect();
    if !alive.iter().any(|cookie| sessions.iter().any(|session| session.cookie("ops_session").as_ref() == Some(cookie)))
    {
        assert_eq!(let_in_after(&sent, acknowledged), Vec::<String>::new());
    }
    victim.cookies.are_settled(&house.bases(), &alive, acknowledged).await;
}

async fn everywhere(body: impl AsyncFn(House, Client)) {
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let house = House::open(backend).await;
        house.site.account("boss");
        let boss = sign_in(&house.one.base, "boss").await;
        body(house, boss).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_flight_bring_no_session_back() {
    everywhere(async |house, boss| {
        let victim = house.victim("logout", &boss).await;
        let [mine, other] = victim.sessions.clone();
        // TR1. While the session moves, its cookie of a moment ago is nobody's: the browser sends the present one.
        let logout = async || own(mine.at(&house.two.base).post("/api/v1/auth/logout")).await.status == 200;
        storm(&house, &victim, std::slice::from_ref(&mine), logout, &[&other]).await;

        // TR3.
        let victim = house.victim("everything", &boss).await;
        let [mine, other] = victim.sessions.clone();
        let all = async || own(mine.delete("/api/v1/auth/sessions/all")).await.status != 503;
        storm(&house, &victim, std::slice::from_ref(&other), all, &[]).await;

        // TR2.
        let victim = house.victim("role", &boss).await;
        let path = format!("/api/v1/org/{}/members/{}/role", victim.org, victim.id);
        let role = async || boss.put(&path).json(&json!({ "role": "admin" })).await.status == 200;
        storm(&house, &victim, &victim.sessions.clone(), role, &[]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_the_tokens_that_racing_moves_hand_out_only_the_last_lives() {
    everywhere(async |house, boss| {
        let victim = house.victim("mover", &boss).await;
        let [mine, other] = victim.sessions.clone();
        let moved = async || {
            let enough = async || victim.cookies.all().len() > 10;
            until(Duration::from_secs(30), "the session moves", enough).await;
            true
        };
        storm(&house, &victim, std::slice::from_ref(&mine), moved, &[&mine, &other]).await;
    })
    .await;
}

/// TR3 with Redis emptied under the running requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_forgot_nobody_writes_again() {
    let Some(redis) = Redis::start().await else { return };
    for backend in [Backend::SqliteRedis, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there()) {
        let url = redis.url();
        let app =
            TestApp::builder().backend(backend).config(|config| config.redis.url = Some(url.into())).start().await;
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let cookies = Cookies::default();
        cookies.note_of(&ada);
        let bases = [app.base.as_str(), sibling.base.as_str()];
        let storm = Storm::begin(&[Client::clone(&ada)], &bases, &org, &cookies).await;
        redis.flush();
        let flushed = Instant::now();
        let sent = storm.end().await;
        assert_eq!(let_in_after(&sent, flushed), Vec::<String>::new());
        cookies.are_settled(&bases, &BTreeSet::new(), flushed).await;
        assert!(!everything(&redis.url()).contains("ops:{"), "a session was written again");
    }
}

/// TR5: what is changed at once through one session is not in the session, so no change is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_once_through_one_session_all_stay() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let before = ada.get("/api/v1/auth/notifications").await.expect(200);
        let keys = ["email", "system", "updates", "security", "billing", "marketing", "sms", "push", "usage_alerts"];
        let turned: Vec<(&str, Value)> = keys.iter().map(|key| (*key, json!(before[*key] == false))).collect();
        let fields = ["display_name", "bio", "company", "job_title"];
        let base = |number: usize| if number.is_multiple_of(2) { &app.base } else { &sibling.base };
        let choices = turned.iter().enumerate().map(|(number, (key, value))| {
            own(Client::at(&ada, base(number)).put("/api/v1/auth/notifications")).json(&json!({ *key: value }))
        });
        let texts = fields.iter().enumerate().map(|(number, field)| {
            own(Client::at(&ada, base(number)).put("/api/v1/auth/profile"))
                .json(&json!({ *field: format!("my {field}") }))
        });
        for answer in at_once(choices.chain(texts)).await {
            answer.expect(200);
        }
        let after = ada.get("/api/v1/auth/notifications").await.expect(200);
        for (key, value) in turned {
            assert_eq!(after[key], value, "{key}");
        }
        let profile = ada.get("/api/v1/auth/profile").await.expect(200);
        for field in fields {
            assert_eq!(profile[field], json!(format!("my {field}")));
        }
        ada.me().await;
    })
    .await;
}
