//! Servers that count who connects, keep what they were sent, and answer what a test wants.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A server that lives as long as this value.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers each request with what `answer` makes of it, and hangs up.
    pub async fn http(at: SocketAddr, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (requests.clone(), Arc::new(answer));
        let mut server = Self::raw(at, move |mut stream| {
            let (kept, answer) = (kept.clone(), answer.clone());
            async move {
                let request = read_request(&mut stream).await;
                let response = answer(&request);
                kept.lock().unwrap().push(request);
                stream.write_all(response.as_bytes()).await.ok();
                stream.shutdown().await.ok();
            }
        })
        .await;
        server.requests = requests;
        server
    }

    /// Does with each connection what `handle` says.
    pub async fn raw<F: Future<Output = ()> + Send + 'static>(
        at: SocketAddr,
        handle: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(at).await.expect("an address of this machine");
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(handle(stream));
            }
        });
        Self { address, connections, requests: Arc::default(), task }
    }

    /// Counts who connects, and reads what they send.
    pub async fn sink(at: SocketAddr) -> Self {
        Self::http(at, |_| answer(200, "{}")).await
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What was sent, one text for a connection.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Its address as a URL without TLS.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Any free port of an address.
pub fn free(address: &str) -> SocketAddr {
    let address: IpAddr = address.parse().unwrap();
    (address, 0).into()
}

/// An HTTP answer with this body.
pub fn answer(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Head and body of a request, or what came before the connection ended.
pub async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
