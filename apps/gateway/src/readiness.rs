use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_api::{Dependency, Readiness};
use kernel::StoreError;
use session_redis::RedisSessions;
use store::Database;

/// Who has not answered by then is not ready.
const PATIENCE: Duration = Duration::from_millis(50);

/// Asks the database, and Redis where it keeps the sessions, both at once.
pub(crate) struct Dependencies {
    pub(crate) database: Database,
    pub(crate) redis: Option<RedisSessions>,
    pub(crate) draining: Draining,
}

/// Whether the process was told to stop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draining(Arc<AtomicBool>);

impl Draining {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Readiness for Dependencies {
    async fn check(&self) -> Vec<Dependency> {
        let (database, redis) = tokio::join!(answers("database", self.database.ping()), async {
            match &self.redis {
                Some(redis) => Some(answers("redis", redis.ping()).await),
                None => None,
            }
        });
        std::iter::once(database).chain(redis).collect()
    }

    fn draining(&self) -> bool {
        self.draining.0.load(Ordering::SeqCst)
    }
}

async fn answers(name: &'static str, ping: impl Future<Output = Result<(), StoreError>>) -> Dependency {
    let ok = matches!(tokio::time::timeout(PATIENCE, ping).await, Ok(Ok(())));
    if !ok {
        tracing::warn!(dependency = name, "does not answer");
    }
    Dependency { name, ok }
}
