//! HTTP/1.1 by hand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) chunked: bool,
}

impl Call {
    pub(crate) fn new(method: &str, target: impl Into<String>) -> Self {
        Self { method: method.to_owned(), target: target.into(), headers: Vec::new(), body: Vec::new(), chunked: false }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// One more header, beside others of the same name.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Type");
        self.body = body.as_ref().to_vec();
        self.header("Content-Type", media_type)
    }

    /// A form of several parts: name, file name (empty: a field), media type, bytes.
    pub(crate) fn parts(self, parts: &[(&str, &str, &str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (name, file, media_type, bytes) in parts {
            let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
            let kind = if media_type.is_empty() { String::new() } else { format!("Content-Type: {media_type}\r\n") };
            body.extend(
                format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n{kind}\r\n").bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--frontier--\r\n");
        self.body("multipart/form-data; boundary=frontier", body)
    }

    /// Sent in pieces, its length not announced.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    pub(crate) fn is_unsafe(&self) -> bool {
        !["GET", "HEAD", "OPTIONS"].contains(&self.method.as_str())
    }

    fn bytes(&self, host: &str) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            out.extend(format!("Host: {host}\r\n").bytes());
        }
        for (name, value) in &self.headers {
            out.extend(format!("{name}: ").bytes());
            out.extend_from_slice(value);
            out.extend(b"\r\n");
        }
        if self.chunked {
            out.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for piece in self.body.chunks(4096) {
                out.extend(format!("{:x}\r\n", piece.len()).bytes());
                out.extend_from_slice(piece);
                out.extend(b"\r\n");
            }
            out.extend(b"0\r\n\r\n");
        } else {
            if !self.body.is_empty() || self.is_unsafe() {
                out.extend(format!("Content-Length: {}\r\n", self.body.len()).bytes());
            }
            out.extend(b"\r\n");
            out.extend_from_slice(&self.body);
        }
        out
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In the order of arrival, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `null` when the body is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `code` of a problem; empty when it is none.
    pub(crate) fn code(&self) -> String {
        let problem = self.header("content-type") == Some("application/problem+json");
        let body = if problem { self.json() } else { Value::Null };
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    /// `204`, `403 csrf_failed`: status, and the code of a problem.
    pub(crate) fn verdict(&self) -> String {
        format!("{} {}", self.status, self.code()).trim().to_owned()
    }

    /// Panics unless it is a 2xx; gives the JSON.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text());
        self.json()
    }
}

/// A request, and what came back.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) call: Call,
    pub(crate) answer: Answer,
}

/// Connections to one server.
#[derive(Clone)]
pub(crate) struct Wire {
    address: SocketAddr,
    idle: Arc<Mutex<Vec<TcpStream>>>,
    seen: Arc<Mutex<Vec<Exchange>>>,
}

impl Wire {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Arc::default(), seen: Arc::default() }
    }

    /// Everything that was exchanged since the last time this was asked.
    pub(crate) fn exchanged(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Sends a request over a connection of its own or one that has nothing to do; panics when there is no answer.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let answer = self.sent(&call).await.unwrap_or_else(|| panic!("no answer to {} {}", call.method, call.target));
        self.seen.lock().unwrap().push(Exchange { call, answer: answer.clone() });
        answer
    }

    /// The same, not kept; `None` when the connection ended without an answer.
    pub(crate) async fn sent(&self, call: &Call) -> Option<Answer> {
        let bytes = call.bytes(&self.address.to_string());
        let used = self.idle.lock().unwrap().pop();
        if let Some(connection) = used
            && let Some(answer) = self.over(connection, &bytes, call).await
        {
            return Some(answer);
        }
        self.over(TcpStream::connect(self.address).await.ok()?, &bytes, call).await
    }

    /// A connection to write on freely.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server listens")
    }

    async fn over(&self, mut connection: TcpStream, bytes: &[u8], call: &Call) -> Option<Answer> {
        let exchange = async {
            let (mut read, mut write) = connection.split();
            // A server that refuses early stops reading: its answer counts, not our broken pipe.
            let (answer, _) = tokio::join!(receive(&mut read, call.method == "HEAD"), write.write_all(bytes));
            answer
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await.ok().flatten()?;
        let whole = call.body.len() < 16 * 1024 && answer.status < 500;
        if whole && answer.header("connection") != Some("close") {
            self.idle.lock().unwrap().push(connection);
        }
        Some(answer)
    }
}

/// Reads one answer; `None` when the connection ends before it is whole.
pub(crate) async fn receive(stream: &mut (impl AsyncReadExt + Unpin), headless: bool) -> Option<Answer> {
    let mut buffer = Vec::new();
    let end = loop {
        if let Some(end) = position(&buffer, b"\r\n\r\n") {
            break end;
        }
        fill(stream, &mut buffer).await?;
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut rest = buffer.split_off(end + 4);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    if headless || status == 204 || status == 304 {
        return Some(answer);
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunk(stream, rest).await?;
    } else {
        let length: usize = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while rest.len() < length {
            fill(stream, &mut rest).await?;
        }
        rest.truncate(length);
        answer.body = rest;
    }
    Some(answer)
}

async fn unchunk(stream: &mut (impl AsyncReadExt + Unpin), mut rest: Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = position(&rest, b"\r\n") else {
            fill(stream, &mut rest).await?;
            continue;
        };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        while rest.len() < end + 2 + size + 2 {
            fill(stream, &mut rest).await?;
        }
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest.drain(..end + 2 + size + 2);
    }
}

async fn fill(stream: &mut (impl AsyncReadExt + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    buffer.reserve(16 * 1024);
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
