use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Clock, SystemClock, Timestamp};

/// The machine's clock, moved by as much as the test says. It runs: two things that happen one after the other are told apart.
#[derive(Debug, Default)]
pub struct TestClock(Mutex<TimeDelta>);

impl TestClock {
    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += TimeDelta::from_std(by).unwrap();
    }

    /// Moves the clock back, as a time server may.
    pub fn step_back(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) -= TimeDelta::from_std(by).unwrap();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
