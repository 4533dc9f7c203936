//! KEY-6: a key is in no log, however loud, in no store, in no figure and in no answer but the one to a service that may have it.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use testkit::{Answer, Backend, Client, FakeProvider, ProviderAnswer, Request};

use super::secret::Canary;
use super::{ADD, BYOK, RESOLVE, adding, deleting, resolving, testing};
use crate::rig::process::{Server, Site, run, sign_in};
use crate::rig::redis::{Redis, everything};
use crate::rig::service::Service;
use crate::rig::tables;

/// Keys that are nowhere else in this world, with what URLs and base64 spell differently.
const OPENAI: &str = "sk-CANARY/7Qz4+LmVx2=Rt9~Yc5_Wb8.Nd3Fh6Jk1PsXqA";
const CUSTOM: &str = "Gh5*CANARY(Zt7)Kw3!Mq9'Bx1;Vn8:Dj4@Rs6&Lp2$Yf0";
const GOOGLE: &str = "AQ.CANARY-Ue3Tn7Ho2Wz8Ki5Xb1Ga6Sv9Cm4Dq0Fy";

/// Everything that is said, but for what may be said.
#[derive(Default)]
struct Heard(Vec<u8>);

impl Heard {
    async fn send(&mut self, request: Request) -> Answer {
        let answer = request.await;
        self.note(&answer);
        answer
    }

    fn note(&mut self, answer: &Answer) {
        self.0.extend(format!("{} {} {:?}\n", answer.of, answer.status, answer.headers).into_bytes());
        self.0.extend(&answer.body);
        self.0.push(b'\n');
    }

    fn say(&mut self, command: &mut Command) {
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.0.extend(format!("{}\n{}\n", ended.out, ended.err).into_bytes());
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port()
}

/// Everything that goes well.
async fn live(ada: &Client, org: &str, service: &Service, fake: &FakeProvider, heard: &mut Heard) {
    for body in [
        json!({ "provider": "openai", "key": OPENAI, "label": "canary" }),
        json!({ "provider": "google", "key": GOOGLE }),
        json!({ "provider": "custom", "key": CUSTOM, "endpoint": format!("{}/v1", fake.url()) }),
    ] {
        let request = adding(ada, org, &body).header("Idempotency-Key", &format!("canary-{}", body["provider"]));
        heard.send(request).await.expect(200);
    }
    for provider in ["openai", "google", "custom"] {
        assert_eq!(heard.send(testing(ada, org, provider)).await.expect(200)["status"], "valid");
        resolving(service, org, provider).header("Idempotency-Key", provider).await.expect(200);
    }
    for path in ["/keys", "/providers", "/stats"] {
        heard.send(ada.get(&format!("{BYOK}{path}?org_id={org}"))).await.expect(200);
    }
    heard.send(service.post("/api/v1/decide").json(&json!({ "service": "chat" }))).await.expect(200);
    heard.send(ada.get(&format!("/api/v1/org/stats?org_id={org}"))).await.expect(200);
}

/// A provider that says the key back in every way it can, or breaks off.
async fn providers_fail(ada: &Client, org: &str, fake: &FakeProvider, heard: &mut Heard) {
    for (provider, key) in [("openai", OPENAI), ("google", GOOGLE), ("custom", CUSTOM)] {
        for status in [200, 400, 401, 403, 404, 429, 500, 503] {
            fake.answers(ProviderAnswer::Status(status, format!("{{\"error\":\"your key {key} is wrong\"}}")));
            heard.send(testing(ada, org, provider)).await.expect(200);
        }
        let elsewhere = format!(
            "HTTP/1.1 302 {key}\r\nLocation: {}/?key={key}\r\nX-Echo: {key}\r\nSet-Cookie: k={key}\r\nContent-Length: 0\r\n\r\n",
            fake.url()
        );
        for bytes in [elsewhere, format!("{key}\r\n\r\n"), format!("HTTP/1.1 200 OK\r\n{key}\r\n\r\n"), String::new()] {
            fake.answers(ProviderAnswer::Bytes(bytes.into_bytes()));
            heard.send(testing(ada, org, provider)).await.expect(200);
        }
    }
    fake.answers(ProviderAnswer::Silence);
    heard.send(testing(ada, org, "openai")).await.expect(200);
    fake.answers(ProviderAnswer::Endless(OPENAI.as_bytes().to_vec(), Duration::from_millis(100)));
    heard.send(testing(ada, org, "openai")).await.expect(200);
    fake.answers(ProviderAnswer::status(200));
}

/// A client that does everything wrong.
async fn clients_fail(ada: &Client, org: &str, service: &Service, heard: &mut Heard) {
    let path = format!("{ADD}?org_id={org}");
    for body in [
        json!({ "provider": "openai", "key": [OPENAI] }),
        json!({ "provider": "openai", "key": format!("{OPENAI}\r\n") }),
        json!({ "provider": "openai", "key": format!("{OPENAI}{}", "x".repeat(5000)) }),
        json!({ "provider": "openai", "key": OPENAI, "label": { "key": OPENAI } }),
        json!({ "provider": "openai", "key": OPENAI, "endpoint": "https://127.0.0.1" }),
        json!({ "provider": "openai", "key": OPENAI, "secret": OPENAI }),
        json!({ "provider": OPENAI, "key": OPENAI }),
        json!({ "provider": "nobody", "key": OPENAI }),
        json!({ "provider": "custom", "key": CUSTOM }),
        json!({ "provider": "custom", "key": CUSTOM, "endpoint": "https://metadata.google.internal" }),
        json!({ "provider": "custom", "key": CUSTOM, "endpoint": format!("https://u:{CUSTOM}@example.com") }),
        json!({ "provider": "custom", "key": CUSTOM, "endpoint": format!("https://example.com/?key={CUSTOM}") }),
    ] {
        assert!(heard.send(ada.post(&path).json(&body)).await.status >= 400, "{body}");
    }
    for raw in [
        format!("{{\"provider\":\"openai\",\"key\":\"{OPENAI}\""),
        format!("{{\"key\":\"{OPENAI}\",\"key\":\"{OPENAI}\",\"provider\":\"openai\"}}"),
        format!("\"{OPENAI}\""),
        format!("[\"{OPENAI}\"]"),
        OPENAI.to_owned(),
    ] {
        assert!(heard.send(ada.post(&path).body("application/json", raw.clone())).await.status >= 400, "{raw}");
        heard.send(ada.post(&path).body("text/plain", raw)).await;
    }
    let good = json!({ "provider": "openai", "key": OPENAI });
    heard.send(ada.post(&path).json(&good).anonymous()).await.expect(401);
    heard.send(ada.post(&path).json(&good).without_csrf()).await.expect(403);
    heard.send(service.post(&path).json(&good)).await.expect(403);
    heard.send(ada.put(&path).json(&good)).await.expect(405);
    let other = "org_01890a5d-ac96-774b-bcce-000000000001";
    heard.send(adding(ada, other, &good)).await.expect(404);
    let named = json!({ "org_id": org, "provider": "openai" });
    assert_eq!(heard.send(ada.post(RESOLVE).json(&named)).await.status, 403);
    let lacking = Service::of(ada, org, &["usage:write"]).await;
    heard.send(resolving(&lacking, org, "openai")).await.expect(403);
    heard.send(resolving(service, other, "openai")).await.expect(404);
    heard.send(resolving(service, org, "cohere")).await.expect(404);
}

/// What is in the database and in the data folder.
async fn kept(site: &Site) -> Vec<u8> {
    let kept = tables::kept(&site.folder().join("data"), site.database().as_deref()).await;
    assert!(kept.windows(6).any(|window| window == b"openai"), "the search finds what is there");
    kept
}

async fn metrics(port: u16) -> String {
    let answer = Client::new(format!("http://127.0.0.1:{port}")).get("/metrics").await;
    assert_eq!(answer.status, 200);
    answer.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_piece_of_a_key_is_anywhere_but_where_it_belongs() {
    for backend in [Backend::SqliteRedis, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let mut redis = Redis::start().await.expect("Redis");
        let site = Site::on(backend).await.with_redis(redis.url());
        let fake = FakeProvider::start();
        let private = free_port();
        let mut program = site.program(&["--listen", "127.0.0.1:0"]);
        let loudest =
            "trace,actix_server=trace,sqlx=trace,sea_orm=trace,hyper=trace,rustls=trace,redis=trace,reqwest=trace";
        program.envs(fake.environment()).env("OPS_CENTER__LOG__LEVEL", loudest);
        program.env("OPS_CENTER__BYOK__TIMEOUT_MS", "1000").env("OPS_CENTER__BYOK__CONNECT_TIMEOUT_MS", "200");
        program.env("OPS_CENTER__SERVER__PRIVATE_LISTEN", format!("127.0.0.1:{private}"));
        let server = Server::start(&mut program);
        site.account("ada");
        let ada = sign_in(&server.base, "ada").await;
        let made = ada.post("/api/v1/org").json(&json!({ "name": "Acme" })).await.expect(201);
        let org = made["organization"]["id"].as_str().expect("an id").to_owned();
        let service = Service::of(&ada, &org, &["byok:resolve", "entitlements:read"]).await;

        let mut heard = Heard::default();
        live(&ada, &org, &service, &fake, &mut heard).await;
        providers_fail(&ada, &org, &fake, &mut heard).await;
        clients_fail(&ada, &org, &service, &mut heard).await;
        for arguments in [["keys", "status", "--json"], ["keys", "rotate", "--json"]] {
            heard.say(site.program(&arguments).envs(fake.environment()).env("OPS_CENTER__LOG__LEVEL", loudest));
        }
        // Still the same keys, and they are where they belong.
        for (provider, key) in [("openai", OPENAI), ("google", GOOGLE), ("custom", CUSTOM)] {
            assert_eq!(resolving(&service, &org, provider).await.expect(200)["key"], key);
        }
        assert!(fake.requests().iter().any(|request| request.contains(OPENAI)));

        let canary = Canary::of(&[OPENAI, CUSTOM, GOOGLE]);
        let figures = metrics(private).await;
        assert!(figures.contains("http") && figures.len() > 500, "{figures}");
        canary.is_not_in("/metrics", figures.as_bytes());
        canary.is_not_in("Redis", everything(&redis.url()).as_bytes());
        canary.is_not_in("the database and the data folder", &kept(&site).await);
        heard.send(deleting(&ada, &org, "google")).await.expect(200);
        redis.kill();
        heard
            .send(adding(&ada, &org, &json!({ "provider": "openai", "key": OPENAI })))
            .await
            .problem(503, "unavailable");
        resolving(&service, &org, "openai").await;
        canary.is_not_in("the answers", &heard.0);
        canary.is_not_in("the data folder at the end", &kept(&site).await);
        let written = server.written();
        assert!(written.len() > 100_000, "it was to log loudly: {} bytes", written.len());
        assert!(written.contains("/api/v1/byok/keys/add"), "what was asked is told");
        canary.is_not_in("the log", written.as_bytes());
        println!("{} bytes of log, {} of answers", written.len(), heard.0.len());
    }
}
