//! How the program starts, stops and is killed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use serde_json::json;
use testkit::{Backend, Client};

use crate::rig::cookie::choose;
use crate::rig::process::{Server, Site, run, sign_in, sign_in_with, signal};
use crate::rig::redis::Redis;
use crate::rig::until;

fn here(backend: &Backend) -> bool {
    backend.is_there()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_told_in_one_sentence_and_nothing_is_made() {
    for backend in [Backend::Sqlite, Backend::Postgres].into_iter().filter(here) {
        let site = Site::on(backend).await;
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        let began = Instant::now();
        let ended = run(&mut site.program(&["--listen", &address]));
        let sentence = ended.refused(1);
        assert!(sentence.contains(&address) && sentence.contains("in use"), "{sentence}");
        assert!(began.elapsed() < Duration::from_secs(5));
        // The next start is the first one, and tells its password.
        let server = site.serve();
        server.screen("This is the first start").await;
    }
}

/// Runs a statement in the database of a site, beside the program.
async fn beside(site: &Site, sql: &str) {
    let file = site.folder().join("data/ops-center.db");
    let mut options = ConnectOptions::new(format!("sqlite:{}", file.display()));
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.expect("the database");
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("a quiet end");
}

/// A first start that ends in the middle says so, and the next one goes on from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_failed_in_the_middle_is_finished_by_the_next() {
    for table in ["sign_in_link", "organization", "membership", "subscription"] {
        let site = Site::on(Backend::Sqlite).await;
        assert_eq!(run(&mut site.program(&["migrate"])).code, Some(0));
        let refuse =
            format!("CREATE TRIGGER refused BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END");
        beside(&site, &refuse).await;
        for attempt in 0..2 {
            let ended = run(&mut site.program(&["--listen", "127.0.0.1:0"]));
            assert!([Some(1), Some(69)].contains(&ended.code), "{table}, {attempt}: {ended:?}");
            for part in ["the account admin@ops-center.local was made", "start again"] {
                assert!(ended.err.contains(part), "{table}, {attempt}: {ended:?}");
            }
            assert!(!ended.out.contains("password"), "{table}, {attempt}: {ended:?}");
        }
        beside(&site, "DROP TRIGGER refused").await;
        let server = site.serve();
        let screen = server.screen("/api/v1/org/members").await;
        let password = screen.lines().find_map(|line| line.trim_start().strip_prefix("password"));
        let admin = sign_in_with(&server.base, "admin", password.expect("a password").trim()).await;
        let me = admin.get("/api/v1/auth/me").await.expect(200);
        assert_eq!((&me["org_name"], &me["org_role"]), (&json!("Default organization"), &json!("owner")), "{table}");
        assert_eq!(me["subscription_tier"], "enterprise", "{table}");
        assert_eq!(admin.get("/api/v1/org/my-orgs").await.expect(200).as_array().map(Vec::len), Some(1), "{table}");
        drop(server);
        // Whoever was shown the password keeps it.
        let again = site.serve();
        again.screen("/docs").await;
        assert!(!again.written().contains("password"), "{table}: {}", again.written());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_or_is_not_there_ends_the_start_in_time() {
    let Some(redis) = Redis::start().await else { return };
    for backend in [Backend::SqliteRedis, Backend::PostgresRedis].into_iter().filter(here) {
        redis.freeze();
        let site = Site::on(backend).await.with_redis(redis.url());
        let began = Instant::now();
        let ended = run(&mut site.program(&["--listen", "127.0.0.1:0"]));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let sentence = ended.refused(69);
        assert!(sentence.contains("Redis"), "{sentence}");
        redis.thaw();
        // It was not the first start: nobody saw a password.
        let server = site.serve();
        server.screen("This is the first start").await;
        let nobody = Site::on(backend).await.with_redis("redis://127.0.0.1:1".to_owned());
        let sentence = run(&mut nobody.program(&["--listen", "127.0.0.1:0"]));
        assert!(sentence.refused(69).contains("Redis"), "{sentence:?}");
    }
}

/// Sends the first half of a request.
async fn half(base: &str, client: &Client, number: usize) -> (tokio::net::TcpStream, Vec<u8>) {
    use tokio::io::AsyncWriteExt;
    let body = format!("{{\"name\":\"Org {number}\"}}");
    let head = format!(
        "POST /api/v1/org HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nCookie: {}\r\nX-CSRF-Token: {}\r\nConnection: close\r\n\r\n",
        body.len(),
        client.cookies(),
        client.csrf().expect("a token"),
    );
    let mut stream = tokio::net::TcpStream::connect(base.trim_start_matches("http://")).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("a head");
    let (first, rest) = body.as_bytes().split_at(5);
    stream.write_all(first).await.expect("a half");
    (stream, rest.to_vec())
}

/// Sends the other half; the status.
async fn whole((mut stream, rest): (tokio::net::TcpStream, Vec<u8>)) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(&rest).await.expect("the other half");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_flight_are_finished_when_the_server_is_told_to_stop() {
    for backend in Backend::ALL.into_iter().filter(here) {
        finishes(backend).await;
    }
}

/// How long it takes until no connection is taken any more.
async fn closed(address: SocketAddr) -> Duration {
    let began = Instant::now();
    while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "the listener must close");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

async fn finishes(backend: Backend) {
    let site = Site::on(backend).await;
    let server = site.serve();
    site.account("ada");
    let ada = sign_in(&server.base, "ada").await;
    let mut halves = Vec::new();
    for number in 0..20 {
        halves.push(half(&server.base, &ada, number).await);
    }
    // The server has taken the heads: a request that came later has been answered.
    ada.get("/api/v1/auth/me").await.expect(200);
    signal(server.id(), "TERM");
    let address = server.base.trim_start_matches("http://").parse().expect("an address");
    let notice = closed(address).await;
    assert!(notice >= Duration::from_millis(1500), "load balancers had {notice:?} to see it");
    for half in halves {
        assert_eq!(whole(half).await, "HTTP/1.1 201 Created", "on {backend}");
    }
    let status = server.ended();
    assert_eq!(status.code(), Some(0));
    let again = site.serve();
    let there = ada.at(&again.base);
    assert_eq!(
        there.get("/api/v1/org/my-orgs").await.header("x-total-count"),
        Some("20"),
        "what was acknowledged is there"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_at_once_on_an_empty_database_make_one_admin() {
    for backend in Backend::ALL.into_iter().filter(here) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let servers: Vec<Server> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| site.serve())).collect();
            starts.into_iter().map(|start| start.join().expect("a server")).collect()
        });
        let mut screens = Vec::new();
        for server in &servers {
            server.screen("Documentation").await;
            let said = async || Client::new(&server.base).get("/readyz").await.status == 200;
            until(Duration::from_secs(5), "ready", said).await;
            screens.push(server.written());
        }
        let firsts: Vec<&String> = screens.iter().filter(|screen| screen.contains("This is the first start")).collect();
        assert_eq!(firsts.len(), 1, "{screens:?}");
        let password =
            firsts[0].lines().find_map(|line| line.trim().strip_prefix("password")).expect("a password").trim();
        for server in &servers {
            let admin = sign_in_with(&server.base, "admin", password).await;
            let all = admin.get("/api/v1/org/organizations").await.expect(200);
            assert_eq!(all["total"], 1, "one default organization");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_in_the_middle_of_writing() {
    for backend in Backend::ALL.into_iter().filter(here) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let mut server = site.serve();
        site.account("ada");
        let ada = sign_in(&server.base, "ada").await;
        let mut acknowledged = 0;
        for kill in 0..3 {
            let writers: Vec<_> = (0..8)
                .map(|writer| {
                    let ada = ada.at(&server.base);
                    tokio::spawn(async move {
                        let mut made = 0;
                        // Until the server is no more; the last attempt is one of which nothing is known.
                        while let Ok(answer) = ada
                            .post("/api/v1/org")
                            .json(&json!({ "name": format!("{kill} {writer} {made}") }))
                            .attempt()
                            .await
                        {
                            answer.expect(201);
                            made += 1;
                        }
                        made
                    })
                })
                .collect();
            let enough = async || {
                let counted = ada.at(&server.base).get("/api/v1/org/my-orgs").await;
                counted.header("x-total-count").and_then(|count| count.parse::<usize>().ok()) >= Some(acknowledged + 20)
            };
            until(Duration::from_secs(30), "some are made", enough).await;
            server.kill();
            for writer in writers {
                acknowledged += writer.await.expect("a writer");
            }
            server = site.serve();
            let ada = ada.at(&server.base);
            let counted = ada.get("/api/v1/org/my-orgs").await;
            counted.expect(200);
            let there: usize = counted.header("x-total-count").and_then(|count| count.parse().ok()).expect("a count");
            assert!((acknowledged..=acknowledged + 8).contains(&there), "{acknowledged} acknowledged, {there} there");
            // Every organization is whole: it has its owner.
            let first = ada.get("/api/v1/org/my-orgs?limit=200").await.expect(200);
            assert!(
                first
                    .as_array()
                    .expect("organizations")
                    .iter()
                    .all(|org| org["role"] == "owner" && org["member_count"] == 1)
            );
            choose(&ada).await.expect(200);
            acknowledged = there;
        }
    }
}
