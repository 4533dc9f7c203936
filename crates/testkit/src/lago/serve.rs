//! The server: one request, one answer, one connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::Value;

use super::{LagoFault, Shared, routes};

/// More than any request has.
const MOST: usize = 64 * 1024;

/// A request, as far as the fake looks at it.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) key: Option<String>,
    pub(super) body: Value,
}

/// An answer: status, type, body.
pub(super) struct Said(pub(super) u16, pub(super) &'static str, pub(super) Vec<u8>);

pub(super) fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut running = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.ended.load(Ordering::SeqCst) {
            break;
        }
        let shared = shared.clone();
        running.push(std::thread::spawn(move || converse(stream, &shared)));
    }
    for conversation in running {
        // A test that fails already is not to be told twice.
        conversation.join().ok();
    }
}

fn converse(mut stream: TcpStream, shared: &Shared) {
    let Some(asked) = read(&mut stream, shared) else { return };
    let said = {
        let mut book = shared.book();
        let fault = book.faults.pop_front().flatten();
        if let Some(LagoFault::Status(status)) = fault {
            Said(status, "text/plain", b"no".to_vec())
        } else {
            let said = routes::answer(&mut book, &asked);
            match fault {
                Some(LagoFault::Lost) => return,
                Some(LagoFault::Says(text)) => Said(200, "application/json", text.into_bytes()),
                Some(LagoFault::Status(_)) | None => said,
            }
        }
    };
    let Said(status, kind, body) = said;
    let head = format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may have gone.
    stream.write_all(&[head.as_bytes(), &body].concat()).ok();
}

/// A whole request; `None` when none came.
fn read(stream: &mut TcpStream, shared: &Shared) -> Option<Asked> {
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let (mut raw, mut buffer, began) = (Vec::new(), [0; 4096], Instant::now());
    loop {
        if let Some(asked) = parse(&raw) {
            return Some(asked);
        }
        if shared.ended.load(Ordering::SeqCst) || raw.len() > MOST || began.elapsed() > Duration::from_secs(30) {
            return None;
        }
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => raw.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return None,
        }
    }
}

fn parse(raw: &[u8]) -> Option<Asked> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |name: &str| {
        let mut values = lines.clone().filter_map(|line| line.split_once(": "));
        values.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let body = raw.get(end..end + length)?;
    let url = Url::parse(&format!("http://lago{target}")).ok()?;
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    Some(Asked { method, url, key: header("authorization"), body })
}
