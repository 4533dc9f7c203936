//! Sizes and times.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::TestApp;
use tokio::io::AsyncWriteExt;

use super::{Stage, stage};
use crate::crawl::document::Document;
use crate::crawl::sample::{PNG, body, keyed};
use crate::crawl::site::Site;
use crate::crawl::wire::{Call, receive};

const KIB: usize = 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_body_has_a_greatest_size_announced_or_not() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let Stage { admin, subject } = stage(&site).await;
    let key = admin.platform_key().await;
    for operation in document.operations.iter().filter(|operation| operation.takes_json()) {
        let sample = body(operation, &subject).unwrap().to_string();
        let most = if operation.path.ends_with("/batch") { 1024 * KIB } else { 64 * KIB };
        let padded = |length: usize| format!("{sample}{}", " ".repeat(length - sample.len()));
        for chunked in [false, true] {
            let send = |length: usize| {
                let call = operation.call(subject.target(operation)).body("application/json", padded(length));
                let call = keyed(call, operation, &key);
                admin.send(if chunked { call.chunked() } else { call })
            };
            let over = send(most + 1).await;
            assert_eq!(over.verdict(), "413 payload_too_large", "{}, chunked: {chunked}", operation.name());
            let just = send(most).await;
            assert_ne!(just.status, 413, "{}, chunked: {chunked}", operation.name());
        }
    }
    for operation in document.operations.iter().filter(|operation| operation.takes_form()) {
        let big = vec![0; 2 * KIB * KIB + 1];
        let form =
            |file: &[u8]| operation.call(operation.path.as_str()).parts(&[("avatar", "a.png", "image/png", file)]);
        for call in
            [form(&big), form(&big).chunked(), form(&vec![0; 5 * KIB * KIB]), form(&vec![0; 5 * KIB * KIB]).chunked()]
        {
            assert_eq!(admin.send(call).await.verdict(), "413 payload_too_large", "{}", operation.name());
        }
        let parts: Vec<(&str, &str, &str, &[u8])> = vec![("avatar", "a.png", "image/png", PNG); 11];
        let many = admin.send(operation.call(operation.path.as_str()).parts(&parts)).await;
        assert!([413, 422].contains(&many.status), "{}: {}", operation.name(), many.status);
    }
    assert_eq!(admin.send(Call::get("/api/v1/org/info")).await.status, 200);
}

/// A body that announces 10 GiB is refused before a byte of it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_says_it_is_too_large_is_not_waited_for() {
    let site = Site::open().await;
    let Stage { admin, .. } = stage(&site).await;
    for (target, media_type) in
        [("/api/v1/org", "application/json"), ("/api/v1/auth/profile/avatar", "multipart/form-data; boundary=frontier")]
    {
        let mut connection = site.wire.connect().await;
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\nX-Forwarded-For: {}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: {media_type}\r\nContent-Length: 10737418240\r\n\r\n",
            admin.cookie(),
            admin.address
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(2), receive(&mut connection, false)).await;
        let answer = answer.expect("an answer at once").expect("an answer");
        assert_eq!(answer.verdict(), "413 payload_too_large", "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_heads_and_pages_have_limits() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let Stage { admin, subject } = stage(&site).await;
    let query = |length: usize| format!("/api/v1/org/info?x={}", "y".repeat(length - 2));
    assert_eq!(admin.send(Call::get(query(8 * KIB))).await.status, 200);
    assert_eq!(admin.send(Call::get(query(8 * KIB + 1))).await.verdict(), "414 query_too_long");

    let head = Call::get("/health").header("X-Long", "a".repeat(200 * KIB));
    assert!([None, Some(400), Some(431)].contains(&site.wire.sent(&head).await.map(|answer| answer.status)));
    let many = (0..200).fold(Call::get("/health"), |call, number| call.header(&format!("X-{number}"), "a"));
    assert!([None, Some(400), Some(431)].contains(&site.wire.sent(&many).await.map(|answer| answer.status)));

    let paged = document.operations.iter().filter(|operation| operation.query().contains(&"limit".to_owned()));
    let mut count = 0;
    for operation in paged {
        count += 1;
        let target = subject.target(operation);
        let separator = if target.contains('?') { '&' } else { '?' };
        for (query, status) in [
            ("limit=1", 200),
            ("limit=200", 200),
            ("limit=200&offset=4294967295", 200),
            ("limit=0", 422),
            ("limit=201", 422),
            ("limit=-1", 422),
            ("limit=", 422),
            ("limit=1e2", 422),
            ("limit=ten", 422),
            ("limit=99999999999999999999", 422),
            ("limit=1.0", 422),
            ("offset=-1", 422),
            ("offset=99999999999999999999", 422),
            ("limit=5&limit=6", 422),
        ] {
            let answer = admin.send(Call::get(format!("{target}{separator}{query}"))).await;
            assert_eq!(answer.status, status, "{} with {query}: {}", operation.name(), answer.text());
        }
    }
    assert!(count >= 3, "{count} lists have pages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_body_is_dropped_and_hurts_nobody() {
    const DEADLINE: Duration = Duration::from_secs(2);
    let site = Site::built(TestApp::builder().config(|config| config.server.deadline = DEADLINE)).await;
    let Stage { admin, .. } = stage(&site).await;
    let mut slow = Vec::new();
    for number in 0..20 {
        // Whoever reads the body first must not wait for it for ever either.
        let key = if number % 2 == 0 { format!("Idempotency-Key: slow-{number}\r\n") } else { String::new() };
        let mut connection = site.wire.connect().await;
        let head = format!(
            "POST /api/v1/org HTTP/1.1\r\nHost: x\r\nCookie: {}\r\nX-Forwarded-For: {}\r\nSec-Fetch-Site: same-origin\r\n\
             {key}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
            admin.cookie(),
            admin.address
        );
        slow.push(tokio::spawn(async move {
            connection.write_all(head.as_bytes()).await.unwrap();
            let started = Instant::now();
            let (mut read, mut write) = connection.split();
            let drip = async {
                // A byte a second, for ever.
                loop {
                    if write.write_all(b" ").await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            };
            let ended = tokio::select! {
                answer = receive(&mut read, false) => answer,
                () = drip => None,
                () = tokio::time::sleep(Duration::from_secs(10)) => panic!("a slow body was still waited for after 10 s"),
            };
            (ended, started.elapsed())
        }));
    }
    // Meanwhile everybody else is served at once.
    let mut slowest = Duration::ZERO;
    while slow.iter().any(|one| !one.is_finished()) {
        let started = Instant::now();
        assert_eq!(admin.send(Call::get("/api/v1/auth/me")).await.status, 200);
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest <= Duration::from_millis(1500), "somebody else waited {slowest:?}");
    for one in slow {
        let (answer, took) = one.await.unwrap();
        assert!(took >= DEADLINE && took <= DEADLINE + Duration::from_secs(3), "dropped after {took:?}");
        if let Some(answer) = answer {
            assert_eq!(answer.verdict(), "408 request_timeout");
            let wrong = crate::headers::faults(&crate::crawl::wire::Exchange {
                call: Call::new("POST", "/api/v1/org"),
                answer,
            });
            assert!(wrong.is_empty(), "{wrong:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_readers_could_read_in_two_ways_is_refused() {
    let site = Site::open().await;
    let Stage { admin, .. } = stage(&site).await;
    let line = format!(
        "Host: x\r\nCookie: {}\r\nX-Forwarded-For: {}\r\nSec-Fetch-Site: same-origin",
        admin.cookie(),
        admin.address
    );
    let body = json!({"name": "Smuggled"}).to_string();
    for framing in [
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", body.len()),
        format!("Content-Length: {}\r\nContent-Length: 0", body.len()),
        "Content-Length: -1".to_owned(),
        "Content-Length: +5".to_owned(),
        "Content-Length: 0x10".to_owned(),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
        " Transfer-Encoding: chunked".to_owned(),
    ] {
        let mut connection = site.wire.connect().await;
        let request =
            format!("POST /api/v1/org HTTP/1.1\r\n{line}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{body}");
        connection.write_all(request.as_bytes()).await.unwrap();
        connection.shutdown().await.unwrap();
        let answer =
            tokio::time::timeout(Duration::from_secs(8), receive(&mut connection, false)).await.expect("an end");
        assert!(answer.as_ref().is_none_or(|answer| (400..500).contains(&answer.status)), "{framing}: {answer:?}");
    }
    let orgs = admin.get("/api/v1/org/my-orgs").await;
    assert!(!orgs.to_string().contains("Smuggled"), "{orgs}");
}
