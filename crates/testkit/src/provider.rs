//! A provider of models that is none.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ops_center::config::Config;
use tempfile::TempDir;

/// The shipped catalogue of providers.
const SHIPPED: &str = include_str!("../../../apps/gateway/src/providers.toml");
/// The headers in which the shipped providers are shown a key.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];
/// More than any request to a provider has.
const MOST: usize = 64 * 1024;

/// What a provider answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderAnswer {
    /// This status with this body.
    Status(u16, String),
    /// These bytes, whatever they are, and then nothing more.
    Bytes(Vec<u8>),
    /// The head of a good answer, then these bytes again and again, with this pause, until the connection breaks.
    Endless(Vec<u8>, Duration),
    /// Nothing, while the connection stays open.
    Silence,
}

impl ProviderAnswer {
    /// This status with a body of no interest.
    pub fn status(status: u16) -> Self {
        Self::Status(status, "{}".to_owned())
    }
}

/// A request, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRequest {
    /// Line, headers and body.
    pub raw: Vec<u8>,
}

impl ProviderRequest {
    fn parts(&self) -> (String, &[u8]) {
        let end = head_end(&self.raw).unwrap_or(self.raw.len());
        (String::from_utf8_lossy(&self.raw[..end]).into_owned(), &self.raw[end..])
    }

    /// The first line: `GET /v1/models HTTP/1.1`.
    pub fn line(&self) -> String {
        self.parts().0.lines().next().unwrap_or_default().to_owned()
    }

    /// The headers in their order: names in lower case, values as they came.
    pub fn headers(&self) -> Vec<(String, String)> {
        let (head, _) = self.parts();
        let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
    }

    /// The values of one header.
    pub fn header(&self, name: &str) -> Vec<String> {
        self.headers().into_iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect()
    }

    /// The body.
    pub fn body(&self) -> Vec<u8> {
        self.parts().1.to_vec()
    }

    /// Whether these bytes are anywhere in it.
    pub fn contains(&self, part: &str) -> bool {
        self.raw.windows(part.len()).any(|window| window == part.as_bytes())
    }
}

#[derive(Default)]
struct Book {
    requests: Mutex<Vec<ProviderRequest>>,
    connections: Mutex<usize>,
    always: Mutex<Option<ProviderAnswer>>,
    next: Mutex<Vec<ProviderAnswer>>,
    ended: AtomicBool,
}

impl Book {
    fn answer(&self, request: &ProviderRequest) -> ProviderAnswer {
        let mut next = locked(&self.next);
        if !next.is_empty() {
            return next.remove(0);
        }
        let shown = || request.headers().iter().any(|(name, _)| CREDENTIALS.contains(&name.as_str()));
        locked(&self.always).clone().unwrap_or_else(|| ProviderAnswer::status(if shown() { 200 } else { 401 }))
    }
}

/// A server on this machine that every provider of the shipped catalogue is said to be: it keeps each request byte for byte, and answers
/// what the test says; without being told, it takes every key, and refuses whoever shows none. Ends when it is dropped.
///
/// ```no_run
/// # async fn example() {
/// use testkit::{FakeProvider, ProviderAnswer, TestApp};
///
/// let openai = FakeProvider::start();
/// let app = TestApp::builder().providers(&openai).start().await;
/// openai.answers(ProviderAnswer::status(401));
/// # drop(app);
/// # }
/// ```
pub struct FakeProvider {
    address: SocketAddr,
    book: Arc<Book>,
    folder: TempDir,
    thread: Option<JoinHandle<()>>,
}

impl FakeProvider {
    /// Starts it on a free port.
    pub fn start() -> Self {
        Self::with("")
    }

    /// The same; these entries stand in the catalogue beside the shipped ones, where `HOME` stands for this server.
    pub fn with(entries: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its number");
        let book = Arc::<Book>::default();
        let kept = book.clone();
        let thread = std::thread::Builder::new().name("provider".to_owned()).spawn(move || serve(&listener, &kept));
        let folder = tempfile::Builder::new().prefix("ops-center-provider.").tempdir().expect("a folder");
        let home = format!("http://{address}");
        let catalogue = format!("{}\n{}", at_home(SHIPPED, &home), entries.replace("HOME", &home));
        std::fs::write(folder.path().join("providers.toml"), catalogue).expect("a catalogue");
        Self { address, book, folder, thread: Some(thread.expect("a thread")) }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The shipped catalogue, with this server in place of each provider's own.
    pub fn catalogue(&self) -> PathBuf {
        self.folder.path().join("providers.toml")
    }

    /// Lets an app ask this server, and take its address for a customer's own.
    pub fn admit(&self, config: &mut Config) {
        config.byok.providers = Some(self.catalogue().display().to_string());
        config.byok.allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
        config.byok.allowed_ports = vec![443, self.address.port()];
        config.byok.allow_http = true;
    }

    /// The same for the program, as variables of its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let settings = [
            ("PROVIDERS", self.catalogue().display().to_string()),
            ("ALLOWED_NETWORKS", "127.0.0.0/8".to_owned()),
            ("ALLOWED_PORTS", format!("443,{}", self.address.port())),
            ("ALLOW_HTTP", "true".to_owned()),
        ];
        settings.into_iter().map(|(key, value)| (format!("OPS_CENTER__BYOK__{key}"), value)).collect()
    }

    /// From now on every request is answered like this.
    pub fn answers(&self, answer: ProviderAnswer) {
        *locked(&self.book.always) = Some(answer);
    }

    /// The next requests are answered like this, one after the other.
    pub fn answers_next(&self, answers: impl IntoIterator<Item = ProviderAnswer>) {
        locked(&self.book.next).extend(answers);
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<ProviderRequest> {
        locked(&self.book.requests).clone()
    }

    /// The requests since this was last called.
    pub fn take(&self) -> Vec<ProviderRequest> {
        std::mem::take(&mut *locked(&self.book.requests))
    }

    /// How many connections were made, whether or not a request came.
    pub fn connections(&self) -> usize {
        *locked(&self.book.connections)
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.book.ended.store(true, Ordering::SeqCst);
        // Wakes the listener; it may be gone already.
        TcpStream::connect(self.address).ok();
        let quiet = self.thread.take().is_none_or(|thread| thread.join().is_ok());
        assert!(quiet || std::thread::panicking(), "the fake provider did not end well");
    }
}

/// The catalogue with this server's address in each `endpoint`; paths stay.
fn at_home(catalogue: &str, home: &str) -> String {
    let line = |line: &str| match line.split_once("\"https://") {
        Some((key, rest)) if key.trim_start().starts_with("endpoint") => {
            let path = rest.find(['/', '"']).map_or("", |start| &rest[start..]);
            format!("{key}\"{home}{path}")
        }
        _ => line.to_owned(),
    };
    catalogue.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn serve(listener: &TcpListener, book: &Arc<Book>) {
    let mut running = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if book.ended.load(Ordering::SeqCst) {
            break;
        }
        *locked(&book.connections) += 1;
        let book = book.clone();
        running.push(std::thread::spawn(move || converse(stream, &book)));
    }
    for conversation in running {
        // A test that fails already is not to be told twice.
        conversation.join().ok();
    }
}

/// One request, one answer; the connection is not used again.
fn converse(mut stream: TcpStream, book: &Book) {
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let Some(request) = read(&mut stream, book) else { return };
    let answer = book.answer(&request);
    locked(&book.requests).push(request);
    let bytes = match answer {
        ProviderAnswer::Status(status, body) => {
            let head = format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: ");
            format!("{head}{}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
        }
        ProviderAnswer::Bytes(bytes) => bytes,
        ProviderAnswer::Silence => return until_closed(&mut stream, book),
        ProviderAnswer::Endless(bytes, pause) => return without_end(&mut stream, &bytes, pause, book),
    };
    // Whoever asked may have gone.
    stream.write_all(&bytes).ok();
}

#[expect(clippy::disallowed_methods, reason = "a provider that drips; nothing waits for it")]
fn without_end(stream: &mut TcpStream, bytes: &[u8], pause: Duration, book: &Book) {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n";
    let mut goes_on = stream.write_all(head).is_ok();
    while goes_on && !book.ended.load(Ordering::SeqCst) {
        std::thread::sleep(pause);
        goes_on = stream.write_all(bytes).is_ok();
    }
}

fn until_closed(stream: &mut TcpStream, book: &Book) {
    let mut byte = [0];
    while !book.ended.load(Ordering::SeqCst) {
        match stream.read(&mut byte) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if waits(&error) => {}
            Err(_) => return,
        }
    }
}

/// A whole request; `None` when none came.
fn read(stream: &mut TcpStream, book: &Book) -> Option<ProviderRequest> {
    let (mut raw, mut buffer, began) = (Vec::new(), [0; 4096], Instant::now());
    while !whole(&raw) {
        if book.ended.load(Ordering::SeqCst) || raw.len() > MOST || began.elapsed() > Duration::from_secs(30) {
            return None;
        }
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => raw.extend_from_slice(&buffer[..read]),
            Err(error) if waits(&error) => {}
            Err(_) => return None,
        }
    }
    Some(ProviderRequest { raw })
}

fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Where the body begins.
fn head_end(raw: &[u8]) -> Option<usize> {
    raw.windows(4).position(|window| window == b"\r\n\r\n").map(|start| start + 4)
}

fn whole(raw: &[u8]) -> bool {
    let Some(end) = head_end(raw) else { return false };
    let request = ProviderRequest { raw: raw.to_vec() };
    let length = request.header("content-length").first().and_then(|length| length.parse().ok()).unwrap_or(0);
    raw.len() >= end + length
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(provider: &FakeProvider, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(provider.address).expect("a connection");
        stream.write_all(request).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    #[test]
    fn a_request_is_kept_as_it_came_and_answered_as_said() {
        let provider = FakeProvider::start();
        provider.answers_next([ProviderAnswer::status(401)]);
        let request = b"POST /v1/check HTTP/1.1\r\nX-Key: a: b\r\nContent-Length: 2\r\n\r\n{}";
        assert!(ask(&provider, request).starts_with("HTTP/1.1 401 "));
        assert!(ask(&provider, b"GET / HTTP/1.1\r\napi-key: a\r\n\r\n").starts_with("HTTP/1.1 200 "));
        assert!(ask(&provider, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").starts_with("HTTP/1.1 401 "));
        let seen = provider.take();
        assert_eq!((seen.len(), provider.connections()), (3, 3));
        assert_eq!(seen[0].raw, request);
        assert_eq!((seen[0].line().as_str(), seen[0].body().as_slice()), ("POST /v1/check HTTP/1.1", b"{}".as_slice()));
        assert_eq!(seen[0].header("x-key"), ["a: b"]);
        assert!(provider.requests().is_empty());
    }

    #[test]
    fn every_shipped_address_is_replaced_and_no_path() {
        let catalogue =
            "[providers.a]\ndocs_url = \"https://a.example/keys\"\nendpoint = \"https://api.a.example/openai\"\n";
        let home = at_home(catalogue, "http://127.0.0.1:1");
        assert!(home.contains("docs_url = \"https://a.example/keys\""), "{home}");
        assert!(home.contains("endpoint = \"http://127.0.0.1:1/openai\""), "{home}");
        assert_eq!(at_home("endpoint = \"https://x.example\"", "http://h"), "endpoint = \"http://h\"");
        let shipped = at_home(SHIPPED, "http://h");
        let outside =
            shipped.lines().find(|line| line.trim_start().starts_with("endpoint") && line.contains("https://"));
        assert_eq!(outside, None);
    }
}
