//! A slow test does not take back what a later one found out meanwhile.

use serde_json::json;
use testkit::{FakeProvider, TestApp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::House;

const KEY: &str = "gate-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1PsXqA";

/// A provider that answers each request when the test says so.
struct Gate(TcpListener);

impl Gate {
    /// The next request, which waits for its answer.
    async fn asked(&self) -> TcpStream {
        let (mut stream, _) = self.0.accept().await.expect("a connection");
        let mut read = Vec::new();
        while !read.windows(4).any(|window| window == b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut read).await.expect("a request"), 0, "a whole head");
        }
        stream
    }
}

async fn answer(mut stream: TcpStream, status: u16) {
    let text = format!("HTTP/1.1 {status} Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    stream.write_all(text.as_bytes()).await.expect("somebody who listens");
    stream.shutdown().await.expect("an end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_is_overtaken_takes_no_refusal_back() {
    let gate = &Gate(TcpListener::bind("127.0.0.1:0").await.expect("a port"));
    let address = gate.0.local_addr().expect("its number");
    let fake = &FakeProvider::with(&format!(
        "[providers.gate]\nname = \"Gate\"\ndocs_url = \"https://docs.example\"\nendpoint = \"http://{address}\"\nauth = \"bearer\"\n\
         probe = \"GET /v1/models\"\n"
    ));
    let behind = |config: &mut ops_center::config::Config| {
        fake.admit(config);
        config.byok.allowed_ports.push(address.port());
    };
    TestApp::each_with(behind, |app| async move {
        let house = House::new(&app, "ada").await;
        for (late, verdict) in [(200, "valid"), (429, "unknown"), (503, "unknown")] {
            house.add("gate", KEY).await;
            let first = tokio::spawn(house.test("gate").into_future());
            let slow = gate.asked().await;
            let second = tokio::spawn(house.test("gate").into_future());
            answer(gate.asked().await, 401).await;
            assert_eq!(second.await.expect("an answer").expect(200)["status"], "invalid");
            let refused = house.key("gate").await;
            assert_eq!((&refused["test_status"], &refused["status"]), (&json!("invalid"), &json!("rejected")));

            answer(slow, late).await;
            assert_eq!(first.await.expect("an answer").expect(200)["status"], verdict, "what it found out is told");
            assert_eq!(house.key("gate").await, refused, "{late}: and changes nothing");
            // The next one counts again.
            let next = tokio::spawn(house.test("gate").into_future());
            answer(gate.asked().await, 200).await;
            next.await.expect("an answer").expect(200);
            let taken = house.key("gate").await;
            assert_eq!((&taken["test_status"], &taken["status"]), (&json!("valid"), &json!("active")));
        }
    })
    .await;
}
