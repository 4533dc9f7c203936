//! A Redis of a test's own, to be frozen and killed.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::Backend;

/// A server on a port of its own, with nothing on disk. Killed when it is dropped.
pub(crate) struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// Starts one; `None` when this machine has none, which is said, and fails under CI.
    pub(crate) async fn start() -> Option<Self> {
        if !Backend::SqliteRedis.is_there() {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let redis = Self { child: spawn(port), port };
        redis.awake().await;
        Some(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// It answers nothing, and its connections stay open.
    pub(crate) fn freeze(&self) {
        super::process::signal(self.child.id(), "STOP");
    }

    /// It goes on.
    pub(crate) fn thaw(&self) {
        super::process::signal(self.child.id(), "CONT");
    }

    /// Its connections break and its port is closed.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("an end");
        self.child.wait().expect("an end");
    }

    /// Another one on the same port, empty.
    pub(crate) async fn again(&mut self) {
        self.child = spawn(self.port);
        self.awake().await;
    }

    /// Forgets everything.
    pub(crate) fn flush(&self) {
        redis::cmd("FLUSHALL").exec(&mut connect(&self.url()).expect("a connection")).expect("nothing left");
    }

    async fn awake(&self) {
        let began = Instant::now();
        while connect(&self.url()).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "redis-server does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been killed before; there is nobody to tell.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(port: u16) -> Child {
    let port = port.to_string();
    let arguments = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"];
    let mut command = Command::new("redis-server");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("redis-server starts")
}

fn connect(url: &str) -> Result<redis::Connection, redis::RedisError> {
    let mut connection = redis::Client::open(url)?.get_connection_with_timeout(Duration::from_secs(1))?;
    redis::cmd("PING").exec(&mut connection)?;
    Ok(connection)
}

/// Every key of a server and everything it holds, as one text.
pub(crate) fn everything(url: &str) -> String {
    let mut connection = connect(url).expect("Redis");
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("the keys");
    let mut text = String::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query(&mut connection).expect("a type");
        let parts: Vec<Vec<u8>> = match kind.as_str() {
            "hash" => redis::cmd("HGETALL").arg(&key).query(&mut connection),
            "zset" => redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query(&mut connection),
            "string" => redis::cmd("GET")
                .arg(&key)
                .query(&mut connection)
                .map(|value: Option<Vec<u8>>| value.into_iter().collect()),
            // It has expired meanwhile.
            "none" => continue,
            other => panic!("a key of the type {other}: {}", String::from_utf8_lossy(&key)),
        }
        .expect("a value");
        for part in std::iter::once(&key).chain(&parts) {
            text += &String::from_utf8_lossy(part);
            text.push('\n');
        }
    }
    text
}
