//! Reading a session over HTTP, against a bare actix route that does one Redis GET; memory and start of the whole program.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

mod bench;

use std::process::Command;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use auth_core::{SessionToken, UserTag};
use bench::{Figure, Load, Process, free_port, report, until_ready, worst, wrk};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use serde_json::json;

const CONNECTIONS: u32 = 32;
const SECONDS: u32 = 5;
const RUNS: usize = 3;
const PASSWORD: &str = "seven rivers and a bridge";

/// The floor runs in a process of its own, like ours: this program with `floor PORT REDIS`.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "floor", port, redis] => actix_web::rt::System::new().block_on(floor(port.parse().unwrap(), redis)),
        _ => runtime.block_on(measure()),
    }
}

async fn one_get(redis: web::Data<ConnectionManager>) -> HttpResponse {
    let mut connection = redis.get_ref().clone();
    let value: Option<String> = connection.get("bench:floor").await.unwrap_or_default();
    HttpResponse::Ok().content_type("application/json").body(value.unwrap_or_default())
}

async fn floor(port: u16, url: &str) {
    let client = redis::Client::open(url).unwrap();
    let manager = ConnectionManager::new(client).await.unwrap();
    let _: () = manager.clone().set("bench:floor", "x".repeat(400)).await.unwrap();
    let app = move || App::new().app_data(web::Data::new(manager.clone())).route("/", web::get().to(one_get));
    HttpServer::new(app).workers(2).bind(("127.0.0.1", port)).unwrap().run().await.unwrap();
}

async fn measure() {
    let redis = std::env::var("OPS_CENTER_TEST_REDIS").expect("run scripts/bench");
    let program = std::env::var("OPS_CENTER_TEST_BINARY").expect("run scripts/bench");
    let data = tempfile::tempdir().unwrap();
    let client = testkit::http_client();
    let user = || {
        let mut add = Command::new(&program);
        add.args(["--data-dir", data.path().to_str().unwrap(), "user", "create", "--email", "bench@example.test"]);
        add.args(["--username", "bench", "--password-stdin"]).env("REDIS_URL", &redis);
        add
    };
    let mut init = Command::new(&program);
    init.args(["--data-dir", data.path().to_str().unwrap(), "init"]).env("REDIS_URL", &redis);
    assert!(init.output().unwrap().status.success(), "init works");
    bench::pipe(&mut user(), PASSWORD);

    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut serve = Command::new(&program);
    serve.args(["--data-dir", data.path().to_str().unwrap(), "serve", "--listen", &listen]).env("REDIS_URL", &redis);
    serve.env("OPS_CENTER__SERVER__WORKERS", "2");
    let mut starts = Vec::new();
    for _ in 0..RUNS {
        let process = Process::spawn(&mut serve);
        let took = until_ready(&client, &format!("http://{listen}/readyz"), Duration::from_secs(20)).await;
        starts.push(took.as_secs_f64() * 1e3);
        drop(process);
    }
    let ours = Process::spawn(&mut serve);
    until_ready(&client, &format!("http://{listen}/readyz"), Duration::from_secs(20)).await;
    let idle = ours.rss_mb();
    let cookie = sign_in(&client, &listen).await;

    let floor_port = free_port();
    let mut floor = Command::new(std::env::current_exe().unwrap());
    floor.args(["floor", &floor_port.to_string(), &redis]);
    let _floor = Process::spawn(&mut floor);
    let floor_url = format!("http://127.0.0.1:{floor_port}/");
    until_ready(&client, &floor_url, Duration::from_secs(20)).await;

    let ours_url = format!("http://{listen}/api/v1/auth/csrf-token");
    wrk(&ours_url, Load::cookie(&cookie), CONNECTIONS, 2);
    wrk(&floor_url, Load::plain(), CONNECTIONS, 2);
    let mut pairs = Vec::new();
    for _ in 0..RUNS {
        pairs.push((
            wrk(&ours_url, Load::cookie(&cookie), CONNECTIONS, SECONDS),
            wrk(&floor_url, Load::plain(), CONNECTIONS, SECONDS),
        ));
    }
    let ratios: Vec<f64> = pairs.iter().map(|(ours, floor)| ours.per_second / floor.per_second).collect();
    let slowest =
        pairs.iter().min_by(|a, b| (a.0.per_second / a.1.per_second).total_cmp(&(b.0.per_second / b.1.per_second)));
    let (read, bare) = *slowest.unwrap();

    let cookies = many_sessions(&redis).await;
    wrk(&ours_url, Load::script(&rotating(&cookies, data.path())), CONNECTIONS, SECONDS);
    let loaded = ours.rss_mb();

    report(&[
        Figure {
            name: "session read over HTTP, Redis".into(),
            unit: "requests/s",
            ours: read.per_second,
            floor: bare.per_second,
            goal: "≥ 0.9 of bare actix + one Redis GET".into(),
            ratio: worst(&ratios),
            p99_ms: Some(read.p99_ms),
            rss_mb: Some(loaded),
            runs: ratios,
        },
        single("idle memory", "MiB", idle, 25.0, vec![idle]),
        single("memory after the load, 10 000 sessions in turn", "MiB", loaded, 100.0, vec![loaded]),
        single("cold start, migrated", "ms", starts.iter().copied().fold(0.0, f64::max), 300.0, starts.clone()),
    ]);
}

/// A figure without a floor: its goal is a number that it must not pass.
fn single(name: &str, unit: &'static str, ours: f64, most: f64, runs: Vec<f64>) -> Figure {
    Figure {
        name: name.into(),
        unit,
        ours,
        floor: most,
        goal: format!("≤ {most}"),
        ratio: ours / most,
        p99_ms: None,
        rss_mb: None,
        runs,
    }
}

async fn sign_in(client: &reqwest::Client, listen: &str) -> String {
    let answer = client
        .post(format!("http://{listen}/api/v1/auth/login"))
        .json(&json!({"username": "bench", "password": PASSWORD}))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "signed in: {}", answer.status());
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let session = cookies.filter(|cookie| cookie.starts_with("ops_session=")).last().unwrap().to_owned();
    session.split(';').next().unwrap().to_owned()
}

/// 10 000 more live sessions in Redis, copies of the one that is there under tokens of their own; their cookies.
async fn many_sessions(redis: &str) -> Vec<String> {
    let ambient = kernel::Ambient::system();
    let client = redis::Client::open(redis).unwrap();
    let mut connection = ConnectionManager::new(client).await.unwrap();
    let keys: Vec<String> = connection.keys("ops:*:s:*").await.unwrap();
    let fields: Vec<(Vec<u8>, Vec<u8>)> = connection.hgetall(keys.first().expect("one session")).await.unwrap();
    let mut cookies = Vec::with_capacity(10_000);
    for _ in 0..1_000 {
        let tag = UserTag::mint(&ambient);
        let mut pipeline = redis::pipe();
        for _ in 0..10 {
            let token = SessionToken::mint(&tag, &ambient);
            let key = format!("ops:{{{}}}:s:{}", tag.as_str(), token.hash().to_hex());
            pipeline.hset_multiple(key, &fields).ignore();
            cookies.push(format!("ops_session={}", token.to_cookie()));
        }
        let _: () = pipeline.query_async(&mut connection).await.unwrap();
    }
    cookies
}

/// A script for wrk that sends each cookie in turn.
fn rotating(cookies: &[String], folder: &std::path::Path) -> String {
    let list = folder.join("cookies");
    std::fs::write(&list, cookies.join("\n")).unwrap();
    let script = folder.join("rotate.lua");
    let text = format!(
        "local cookies = {{}}\nfor line in io.lines('{}') do cookies[#cookies + 1] = line end\nlocal n = 0\n\
         request = function() n = n % #cookies + 1; wrk.headers['Cookie'] = cookies[n]; return wrk.format() end\n",
        list.display()
    );
    std::fs::write(&script, text).unwrap();
    script.display().to_string()
}
