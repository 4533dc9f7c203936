//! Alive is not ready (FLT-8), and what cannot be read is neither a denial nor a defect.

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use secrecy::ExposeSecret;
use testkit::{Backend, TestApp};

use crate::crawl::document::Document;
use crate::crawl::person::Person;
use crate::crawl::sample::Subject;
use crate::crawl::site::Site;
use crate::crawl::wire::Call;
use crate::headers::faults;

/// A connection to a database beside the server's own.
async fn beside(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("the database")
}

/// A server whose database can be taken away; `None` when there is no PostgreSQL, which is said.
async fn on_postgres() -> Option<Site> {
    if Backend::Postgres.is_there() { Some(Site::built(TestApp::builder().postgres()).await) } else { None }
}

/// Drops the database under the server: its connections break, and no new one can be made.
async fn take_away(site: &Site) {
    let url = site.app.config.database.url.as_ref().expect("a URL").expose_secret().to_owned();
    let (server, name) = url.split('?').next().unwrap_or_default().rsplit_once('/').expect("a database in the URL");
    let query = url.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let server = beside(&format!("{server}/postgres{query}")).await;
    server.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.expect("no database");
}

async fn owner(site: &Site) -> (Person, Subject) {
    let owner = site.account("owner").await;
    owner.sign_in().await;
    let org = owner.found("Faults").await;
    owner.enter(&org).await;
    (owner, Subject { org, ..Subject::nothing() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_said_to_be_unavailable_and_heals() {
    let site = Site::open().await;
    let (owner, subject) = owner(&site).await;
    let lock = beside(&format!("sqlite:{}", site.app.data_dir().join("ops-center.db").display())).await;
    lock.execute_unprepared("BEGIN EXCLUSIVE").await.expect("the lock");
    site.wire.exchanged();
    let write = subject_write();
    let started = Instant::now();
    let answers =
        tokio::join!(owner.send(write.clone()), owner.send(Call::get("/livez")), owner.send(login(&site, &owner)));
    assert!(started.elapsed() < Duration::from_secs(8), "took {:?}", started.elapsed());
    assert_eq!(answers.0.verdict(), "503 unavailable", "a change");
    assert_eq!(answers.1.status, 200, "/livez");
    assert_eq!(answers.2.verdict(), "503 unavailable", "a sign-in");
    assert_eq!(answers.2.all("set-cookie").count(), 0, "no cookie for a sign-in that cannot be");
    let wrong: Vec<String> = site.wire.exchanged().iter().flat_map(faults).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    lock.execute_unprepared("ROLLBACK").await.expect("the lock released");
    healed(&owner, write, &subject).await;
}

fn subject_write() -> Call {
    Call::new("PUT", "/api/v1/org/settings").body("application/json", "{\"description\":\"written\"}")
}

fn login(site: &Site, person: &Person) -> Call {
    let body = serde_json::json!({"username": person.username, "password": crate::crawl::sample::PASSWORD});
    Call::new("POST", "/api/v1/auth/login").json(&body).header("X-Forwarded-For", site.address())
}

/// Polls until the change is made; the session has survived.
async fn healed(owner: &Person, write: Call, subject: &Subject) {
    let started = Instant::now();
    loop {
        let answer = owner.send(write.clone()).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.verdict(), "503 unavailable");
        assert!(started.elapsed() < Duration::from_secs(10), "not healed after 10 s");
    }
    assert_eq!(owner.get(&format!("/api/v1/org/{}/settings", subject.org)).await["description"], "written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_is_never_a_denial() {
    let Some(site) = on_postgres().await else { return };
    let document = Document::fetch(&site.wire).await;
    let (owner, subject) = owner(&site).await;
    let cookie = owner.cookie();
    take_away(&site).await;
    site.wire.exchanged();
    for _ in 0..3 {
        let answer = site.wire.send(Call::get("/livez")).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
        assert_eq!(site.wire.send(Call::get("/health")).await.status, 200);
    }
    for operation in document.operations.iter().filter(|operation| operation.needs_session()) {
        let answer = owner.send(subject.call(operation)).await;
        assert_eq!(answer.verdict(), "503 unavailable", "{}", operation.name());
        assert_eq!(answer.all("set-cookie").count(), 0, "{}: the cookie stays", operation.name());
    }
    assert_eq!(owner.send(login(&site, &owner)).await.verdict(), "503 unavailable");
    assert_eq!(owner.send(Call::get("/api/v1/auth/session")).await.verdict(), "503 unavailable");
    assert_eq!(owner.cookie(), cookie);
    // A stranger is a stranger whatever the database says: nothing has to be asked.
    assert_eq!(site.wire.send(Call::get("/api/v1/auth/me")).await.verdict(), "401 unauthenticated");
    let wrong: Vec<String> = site.wire.exchanged().iter().flat_map(faults).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_says_what_is_missing_at_once_and_asks_at_most_once_a_second() {
    let Some(site) = on_postgres().await else { return };
    assert_eq!(site.wire.send(Call::get("/readyz")).await.status, 200);
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let started = Instant::now();
        site.wire.send(Call::get("/readyz")).await;
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_millis(200), "{slowest:?}");
    take_away(&site).await;
    let started = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = site.wire.send(Call::get("/readyz")).await;
        assert!(asked.elapsed() < Duration::from_millis(300), "an answer took {:?}", asked.elapsed());
        if answer.status == 503 {
            assert_eq!(answer.code(), "unavailable");
            assert!(!answer.text().contains("database"), "strangers are not told which part: {}", answer.text());
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(3), "still ready after 3 s");
    }
    let status = site.wire.send(Call::get("/api/v1/system/status")).await.ok();
    assert_eq!(status["status"], "degraded");
}
