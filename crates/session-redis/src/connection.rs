use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use kernel::StoreError;
use redis::{
    Client, ErrorKind, IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::{self, Handle};

/// How long to wait for Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisOptions {
    /// For one attempt to connect, TLS and greeting included.
    pub connect_timeout: Duration,
    /// For the answer to one script.
    pub response_timeout: Duration,
    /// For a whole call, the wait for a connection included.
    pub deadline: Duration,
}

impl Default for RedisOptions {
    /// 1 s to connect, 0.5 s for an answer, 1.2 s in all.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(500),
            deadline: Duration::from_millis(1200),
        }
    }
}

/// The shortest wait between two attempts to connect; jitter can double it.
const BACKOFF_MIN: Duration = Duration::from_millis(25);
/// The longest wait between two attempts to connect; jitter can double it.
const BACKOFF_MAX: Duration = Duration::from_millis(250);
/// A connection whose bytes nobody acknowledges for so long is dead (a black hole sends no reset).
const UNACKNOWLEDGED: Duration = Duration::from_secs(2);
/// Commands that may queue for the one connection before callers wait.
const PIPELINE: usize = 1024;

/// A multiplexed connection for each runtime that asks, which makes itself anew. A web server has a runtime for each of its threads: an
/// answer then wakes the thread that waits for it, and no other.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Inner>);

struct Inner {
    client: Client,
    config: ConnectionManagerConfig,
    deadline: Duration,
    of_runtime: RwLock<HashMap<runtime::Id, ConnectionManager>>,
}

impl Connection {
    /// Prepares the connection; nothing is sent yet.
    pub(crate) fn new(url: &SecretString, options: RedisOptions) -> Result<Self, StoreError> {
        if url.expose_secret().starts_with("rediss://") {
            // The driver takes the process's provider; an error only says that there is one already.
            rustls::crypto::ring::default_provider().install_default().ok();
        }
        let info = url.expose_secret().into_connection_info().map_err(StoreError::broken)?;
        // RESP3 tells of a lost connection at once, so it is mended before the next request needs it.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(UNACKNOWLEDGED);
        let client =
            Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp)).map_err(StoreError::broken)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout))
            .set_min_delay(BACKOFF_MIN)
            .set_max_delay(BACKOFF_MAX)
            .set_exponent_base(2.0)
            // Never give up: a manager that has given up on a refused greeting stays broken until the process restarts.
            .set_number_of_retries(usize::MAX)
            .set_pipeline_buffer_size(PIPELINE);
        Ok(Self(Arc::new(Inner { client, config, deadline: options.deadline, of_runtime: RwLock::default() })))
    }

    /// The connection that the runtime of this call drives.
    fn own(&self) -> Result<ConnectionManager, StoreError> {
        let inner = &self.0;
        let runtime = Handle::current().id();
        if let Some(own) = inner.of_runtime.read().unwrap_or_else(PoisonError::into_inner).get(&runtime) {
            return Ok(own.clone());
        }
        let made = ConnectionManager::new_lazy_with_config(inner.client.clone(), inner.config.clone());
        let made = made.map_err(StoreError::broken)?;
        let mut all = inner.of_runtime.write().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(runtime).or_insert(made).clone())
    }

    /// Makes one call within the deadline.
    pub(crate) async fn call<T, F, Fut>(&self, call: F) -> Result<T, StoreError>
    where
        F: FnOnce(ConnectionManager) -> Fut,
        Fut: Future<Output = RedisResult<T>>,
    {
        match tokio::time::timeout(self.0.deadline, call(self.own()?)).await {
            Ok(answer) => answer.map_err(store_error),
            Err(elapsed) => Err(StoreError::unavailable(elapsed)),
        }
    }
}

/// What cannot be a matter of time is a defect; everything else may be better in a moment.
fn store_error(error: RedisError) -> StoreError {
    let defect = match error.kind() {
        ErrorKind::UnexpectedReturnType | ErrorKind::Client | ErrorKind::InvalidClientConfig => true,
        ErrorKind::Server(kind) => matches!(kind, ServerErrorKind::ResponseError | ServerErrorKind::CrossSlot),
        ErrorKind::Extension => error.code() == Some("WRONGTYPE"),
        _ => false,
    };
    if defect { StoreError::broken(error) } else { StoreError::unavailable(error) }
}
