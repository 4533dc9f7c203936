//! A Redis of the test's own: found, started, stopped.
#![expect(clippy::disallowed_methods, reason = "a test is told by its environment what it may use")]

use std::{
    env,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use secrecy::SecretString;
use session_redis::{RedisOptions, RedisSessions};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// A private server, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Server {
    /// A private server, or `None` where there is no `redis-server` to start (a failure in CI).
    pub(crate) async fn start() -> Option<Self> {
        Self::start_on(free_port()).await
    }

    pub(crate) async fn start_on(port: u16) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let spawned = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(dir.path())
            .stdout(Stdio::null())
            .spawn();
        match spawned {
            Ok(child) => {
                let server = Self { child, port, _dir: dir };
                server.answers().await;
                Some(server)
            }
            Err(error) => {
                assert!(env::var_os("CI").is_none(), "CI must have redis-server: {error}");
                println!("skipped: no redis-server and no OPS_CENTER_TEST_REDIS");
                None
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn sessions(&self) -> RedisSessions {
        sessions(&self.url())
    }

    /// A connection for looking at what is stored.
    pub(crate) async fn raw(&self) -> MultiplexedConnection {
        raw(&self.url()).await
    }

    /// Sends a signal by name, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(done.success(), "kill -{name}");
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn answers(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        let client = redis::Client::open(self.url()).unwrap();
        loop {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").exec_async(&mut connection).await.is_ok()
            {
                return;
            }
            assert!(Instant::now() < end, "redis-server does not answer");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already, by the test's own hand.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The server that the environment names, or a private one.
pub(crate) struct AnyServer {
    url: String,
    _private: Option<Server>,
}

impl AnyServer {
    pub(crate) async fn find() -> Option<Self> {
        if let Some(url) = env::var_os("OPS_CENTER_TEST_REDIS") {
            return Some(Self { url: url.into_string().unwrap(), _private: None });
        }
        let server = Server::start().await?;
        Some(Self { url: server.url(), _private: Some(server) })
    }

    pub(crate) fn sessions(&self) -> RedisSessions {
        sessions(&self.url)
    }

    pub(crate) async fn raw(&self) -> MultiplexedConnection {
        raw(&self.url).await
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

pub(crate) fn sessions(url: &str) -> RedisSessions {
    RedisSessions::connect(&SecretString::from(url), RedisOptions::default()).unwrap()
}

async fn raw(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// The keys of one user.
pub(crate) async fn keys(raw: &mut MultiplexedConnection, tag: &str) -> Vec<String> {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg(format!("ops:{{{tag}}}:*")).query_async(raw).await.unwrap();
    keys.sort();
    keys
}
