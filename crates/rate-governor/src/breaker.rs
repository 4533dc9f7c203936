use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long nobody is sent to a server that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps callers from a server that does not answer: after a failure one caller a second may try, the others do not wait.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<Option<Instant>>);

impl Breaker {
    /// Whether this caller may try. Whoever tries after a pause does it for all: the next may a pause later, whatever became of it.
    pub(crate) fn may_pass(&self) -> bool {
        let mut closed_until = self.lock();
        let now = Instant::now();
        match *closed_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                *closed_until = Some(now + PAUSE);
                true
            }
        }
    }

    /// The server did not answer. Whether that is news.
    pub(crate) fn failed(&self) -> bool {
        self.lock().replace(Instant::now() + PAUSE).is_none()
    }

    /// The server answered. Whether that is news.
    pub(crate) fn answered(&self) -> bool {
        self.lock().take().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
