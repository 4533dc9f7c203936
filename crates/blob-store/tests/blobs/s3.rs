//! As much of S3 as storing files takes: PUT, GET and DELETE of objects, in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

#[derive(Default)]
struct State {
    objects: HashMap<String, Vec<u8>>,
    heads: Vec<String>,
    failure: Option<&'static str>,
}

/// Answers until it is dropped.
pub(crate) struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { port, state, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The heads of all requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }

    /// Answers everything with this status from now on.
    pub(crate) fn fail(&self, status: &'static str) {
        self.state.lock().unwrap().failure = Some(status);
    }

    pub(crate) fn work(&self) {
        self.state.lock().unwrap().failure = None;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One connection, request after request; it ends when the client does.
async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let mut body = vec![0; content_length(&head)];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let (status, object) = answer(&mut state.lock().unwrap(), &head, body);
        let reply = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"0\"\r\nLast-Modified: Tue, 03 Nov 2026 12:00:00 GMT\r\n\r\n",
            object.len()
        );
        if stream.write_all(&[reply.as_bytes(), &object].concat()).await.is_err() {
            return;
        }
    }
}

fn content_length(head: &str) -> usize {
    let line =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    line.map_or(0, |length| length.trim().parse().unwrap())
}

fn answer(state: &mut State, head: &str, body: Vec<u8>) -> (&'static str, Vec<u8>) {
    state.heads.push(head.to_owned());
    if let Some(status) = state.failure {
        return (status, Vec::new());
    }
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap().to_owned());
    match method {
        "PUT" => {
            state.objects.insert(path, body);
            ("200 OK", Vec::new())
        }
        "GET" => match state.objects.get(&path) {
            Some(object) => ("200 OK", object.clone()),
            None => ("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
        },
        "DELETE" => {
            state.objects.remove(&path);
            ("204 No Content", Vec::new())
        }
        other => panic!("{other} is not what storing files takes"),
    }
}
