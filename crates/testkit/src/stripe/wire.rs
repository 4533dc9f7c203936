//! The fake's HTTP: one request a connection, on threads of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Shared;
use super::page;
use super::router::{Reply, Request};

/// No request to Stripe is larger.
const MOST: usize = 256 * 1024;

pub(super) fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut running = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.ended.load(Ordering::SeqCst) {
            break;
        }
        running.retain(|thread: &std::thread::JoinHandle<()>| !thread.is_finished());
        let shared = shared.clone();
        running.push(std::thread::spawn(move || converse(stream, &shared)));
    }
    for conversation in running {
        // A test that fails already is not to be told twice.
        conversation.join().ok();
    }
}

fn converse(mut stream: TcpStream, shared: &Shared) {
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let Some(request) = read(&mut stream, shared) else { return };
    let bytes = if request.path.starts_with("/v1/") {
        let reply = shared.book().answer(&request);
        shared.something_happened();
        match reply {
            Reply::Json { status, body, replayed, retry } => {
                let mut headers = "Content-Type: application/json\r\nRequest-Id: req_fake\r\n".to_owned();
                if replayed {
                    headers.push_str("Idempotent-Replayed: true\r\n");
                }
                if let Some(retry) = retry {
                    headers = format!("{headers}Stripe-Should-Retry: {retry}\r\n");
                }
                answer(status, &headers, body.to_string().as_bytes())
            }
            Reply::Broken => return,
            Reply::Silence => return until_closed(&mut stream, shared),
        }
    } else {
        let page::Page { status, headers, body } = page::answer(shared, &request);
        shared.something_happened();
        answer(status, &headers, &body)
    };
    // Whoever asked may have gone.
    stream.write_all(&bytes).ok();
}

fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} Said\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn until_closed(stream: &mut TcpStream, shared: &Shared) {
    let mut byte = [0];
    while !shared.ended.load(Ordering::SeqCst) {
        match stream.read(&mut byte) {
            Ok(0) => return,
            Err(error) if !waits(&error) => return,
            Ok(_) | Err(_) => {}
        }
    }
}

fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// A whole request; `None` when none came.
fn read(stream: &mut TcpStream, shared: &Shared) -> Option<Request> {
    let (mut raw, mut buffer, began) = (Vec::new(), [0; 4096], Instant::now());
    loop {
        if let Some(request) = parsed(&raw) {
            return Some(request);
        }
        if shared.ended.load(Ordering::SeqCst) || raw.len() > MOST || began.elapsed() > Duration::from_secs(30) {
            return None;
        }
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => raw.extend_from_slice(&buffer[..read]),
            Err(error) if waits(&error) => {}
            Err(_) => return None,
        }
    }
}

/// The request, once all of it is there.
fn parsed(raw: &[u8]) -> Option<Request> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let header = |name: &str| {
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut values =
            fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned());
        values.next()
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let body = raw.get(end + 4..end + 4 + length)?;
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        authorization: header("authorization").unwrap_or_default(),
        key: header("idempotency-key"),
    })
}
