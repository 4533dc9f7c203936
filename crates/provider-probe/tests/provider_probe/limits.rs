//! Answers without an end, and answers that lead elsewhere.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use byok_core::{Provider, Verdict};
use provider_probe::ProbeOptions;
use tokio::io::AsyncWriteExt;

use crate::{
    server::{Server, free, read_request},
    setting::{QUIET, assert_unreachable, customers, find, fixed, loose, probe},
};

/// A provider whose answers must be read to be understood.
fn read_through(url: &str) -> Provider {
    Provider { refused_by: vec!["REFUSED".into()], ..fixed(url) }
}

#[tokio::test]
async fn ten_gibibytes_are_cut_at_one_mebibyte() {
    const WHOLE: usize = 10 << 30;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let server = Server::raw(free("127.0.0.1"), move |mut stream| {
        let count = count.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok();
            let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x10000], b"\r\n"].concat();
            while count.load(Ordering::SeqCst) < WHOLE && stream.write_all(&chunk).await.is_ok() {
                count.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let _quiet = QUIET.lock().await;
    let start = Instant::now();
    let finding = find(&probe(loose(&["127.0.0.1/32"])), &read_through(&server.url()), &server.url()).await;
    assert_eq!((finding.verdict, finding.status_code), (Verdict::Unknown, Some(200)));
    assert!(start.elapsed() < Duration::from_secs(4));
    // What was read, and what two socket buffers hold.
    let sent = sent.load(Ordering::SeqCst);
    assert!((1 << 20..64 << 20).contains(&sent), "{sent} bytes");
}

/// A server that sends these bytes, then one byte every 100 ms for ever.
async fn dripping(first: &'static str) -> Server {
    Server::raw(free("127.0.0.1"), move |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(first.as_bytes()).await.ok();
        let mut beat = tokio::time::interval(Duration::from_millis(100));
        while stream.write_all(b"x").await.is_ok() {
            beat.tick().await;
        }
    })
    .await
}

fn hasty() -> ProbeOptions {
    ProbeOptions {
        connect_timeout: Duration::from_millis(300),
        timeout: Duration::from_secs(1),
        ..loose(&["127.0.0.1/32"])
    }
}

fn assert_took_a_second(start: Instant) {
    let took = start.elapsed();
    assert!((Duration::from_millis(950)..Duration::from_millis(1300)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_drip_and_a_silence_end_with_the_time() {
    let _quiet = QUIET.lock().await;
    let head = dripping("HTTP/1.1 200 OK\r\nx: ").await;
    let silent = Server::raw(free("127.0.0.1"), |stream| async move {
        let open = stream;
        std::future::pending::<()>().await;
        drop(open);
    })
    .await;
    for server in [head, silent] {
        let start = Instant::now();
        assert_unreachable(&find(&probe(hasty()), &customers(), &server.url()).await, "no answer");
        assert_took_a_second(start);
    }

    let body = dripping("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
    let start = Instant::now();
    let finding = find(&probe(hasty()), &read_through(&body.url()), &body.url()).await;
    assert_took_a_second(start);
    assert_eq!((finding.verdict, finding.status_code), (Verdict::Unknown, Some(200)));
    // Where the status says it all, the body is not waited for.
    let start = Instant::now();
    let finding = find(&probe(hasty()), &fixed(&body.url()), &body.url()).await;
    assert_eq!(finding.verdict, Verdict::Valid);
    assert!(start.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn garbage_is_no_answer() {
    for garbage in ["", "SSH-2.0-OpenSSH_9.2\r\n", "-ERR unknown command\r\n", "HTTP/1.1 999999 X\r\n\r\n", "\0\0\0\0"]
    {
        let server = Server::raw(free("127.0.0.1"), move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(garbage.as_bytes()).await.ok();
        })
        .await;
        assert_unreachable(&find(&probe(hasty()), &customers(), &server.url()).await, garbage);
        assert_eq!(server.connections(), 1, "asked once, not again");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let sink = Server::sink(free("127.0.0.1")).await;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let location = format!("{}/v1/models", sink.url());
        let server = Server::http(free("127.0.0.1"), move |_| {
            format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\nrefresh: 0; url={location}\r\ncontent-length: 0\r\n\r\n")
        })
        .await;
        let finding = find(&probe(loose(&["127.0.0.1/32"])), &customers(), &server.url()).await;
        assert_eq!((finding.verdict, finding.status_code), (Verdict::Unknown, Some(status)));
        assert_eq!(server.connections(), 1);
    }
    assert_eq!(sink.connections(), 0);
}
