use std::sync::Arc;

use chrono::{DateTime, Utc};

/// A point in time, UTC, to the microsecond (what both databases keep).
pub type Timestamp = DateTime<Utc>;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now, UTC, truncated to the microsecond.
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from. Implementations must be fit for secrets.
pub trait Rng: Send + Sync {
    /// Fills the buffer with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The two inputs that every use case has beside its arguments: time and randomness, as parameters.
#[derive(Clone)]
pub struct Ambient {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Ambient {
    /// A use case's surroundings with this clock and this randomness.
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { clock, rng }
    }

    /// Now, UTC.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }
}
