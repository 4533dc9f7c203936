//! KEY-5, as far as it can be had: what a server that has handed out and tested a key a thousand times still has of it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use serde_json::json;
use testkit::{Backend, FakeProvider};

use super::{add, adding, resolving, testing};
use crate::rig::process::{Server, Site, sign_in};
use crate::rig::service::{Service, crowd};

const TIMES: usize = 1_000;
/// Where copies may be: buffers of the web server's connections and of the client that asks providers, which their libraries use again
/// without wiping them. They do not become more with the uses of a key.
const COPIES: usize = 32;

/// How often these bytes are in the memory that the process can write to.
fn copies(process: u32, of: &[u8]) -> usize {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("the memory's map");
    let memory = File::open(format!("/proc/{process}/mem")).expect("the memory");
    let writable =
        maps.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|mode| mode.starts_with("rw")));
    let mut found = 0;
    for line in writable {
        let range = line.split_whitespace().next().and_then(|range| range.split_once('-')).expect("a range");
        let address = |text: &str| u64::from_str_radix(text, 16).expect("an address");
        let (start, end) = (address(range.0), address(range.1));
        let mut bytes = vec![0; usize::try_from(end - start).expect("a size")];
        // What was given back meanwhile cannot be read.
        if memory.read_exact_at(&mut bytes, start).is_ok() {
            found += bytes.windows(of.len()).filter(|window| window[0] == of[0] && *window == of).count();
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_not_left_in_memory_by_its_uses() {
    let site = Site::on(Backend::Sqlite).await;
    let fake = FakeProvider::start();
    let server = Server::start(site.program(&["--listen", "127.0.0.1:0"]).envs(fake.environment()));
    site.account("ada");
    let ada = sign_in(&server.base, "ada").await;
    let made = ada.post("/api/v1/org").json(&json!({ "name": "Acme" })).await.expect(201);
    let org = made["organization"]["id"].as_str().expect("an id").to_owned();
    let service = Service::of(&ada, &org, &["byok:resolve"]).await;
    let canary = ["sk-CANARY7Qz4LmVx2Rt9Yc5", "Wb8Nd3Fh6Jk1PsXqA"].concat();
    add(&ada, &org, "openai", &canary).await;
    assert!(copies(server.id(), b"ops-center") > 0, "the scan finds what is there");

    let uses = (0..TIMES).map(|_| resolving(&service, &org, "openai"));
    let tests = (0..TIMES).map(|_| testing(&ada, &org, "openai"));
    for answer in crowd(4, uses.chain(tests).collect()).await {
        answer.expect(200);
    }
    assert_eq!(fake.take().len(), TIMES);
    // The promise is about what is left after five seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let left = copies(server.id(), canary.as_bytes());
    println!("{left} copies of a key after {TIMES} uses and {TIMES} tests");
    assert!(left <= COPIES, "{left} copies of the key are left");

    // Other requests go through the same buffers; the store of keys itself has none to give.
    let other = json!({ "provider": "openai", "key": "sk-proj-other7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1" });
    adding(&ada, &org, &other).await.expect(200);
    let again: Vec<_> = (0..200).map(|_| resolving(&service, &org, "openai")).collect();
    for answer in crowd(4, again).await {
        answer.expect(200);
    }
    let after = copies(server.id(), canary.as_bytes());
    println!("{after} copies after 200 uses of another key");
    assert!(after <= left, "{left} copies became {after}");
}
