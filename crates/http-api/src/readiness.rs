use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Mutex;

/// Something that the service needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// `database`, `redis`.
    pub name: &'static str,
    /// Whether it answers.
    pub ok: bool,
}

/// Tells whether everything that the service needs answers.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Asks each dependency; one that does not answer within 50 ms is not ok.
    async fn check(&self) -> Vec<Dependency>;
}

/// The longest that an answer is believed.
const KEPT: Duration = Duration::from_secs(1);

/// Asks at most once a second, however often it is asked.
#[derive(Clone)]
pub(crate) struct Ready {
    port: Arc<dyn Readiness>,
    last: Arc<Mutex<Option<Known>>>,
}

/// What was found, and when.
struct Known {
    at: Instant,
    dependencies: Vec<Dependency>,
}

impl Ready {
    pub(crate) fn new(port: Arc<dyn Readiness>) -> Self {
        Self { port, last: Arc::new(Mutex::new(None)) }
    }

    pub(crate) async fn dependencies(&self) -> Vec<Dependency> {
        let mut last = self.last.lock().await;
        if let Some(known) = last.as_ref().filter(|known| known.at.elapsed() < KEPT) {
            return known.dependencies.clone();
        }
        let dependencies = self.port.check().await;
        *last = Some(Known { at: Instant::now(), dependencies: dependencies.clone() });
        dependencies
    }
}
