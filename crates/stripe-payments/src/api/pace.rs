use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// So many requests in a second, and as many at once after a pause (GCRA, as ATM cells are admitted).
pub(super) struct Pace {
    interval: Duration,
    slack: Duration,
    /// When the next request would be sent if none were ever sent early.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = per_second.max(1);
        let interval = Duration::from_secs(1) / per_second;
        Self { interval, slack: interval * per_second.saturating_sub(1), next: Mutex::new(None) }
    }

    /// Waits until the next request may be sent. One that stops waiting has used its turn.
    pub(super) async fn turn(&self) {
        let wait = self.book(Instant::now());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }

    fn book(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = next.map_or(now, |due| due.max(now));
        *next = Some(due + self.interval);
        due.saturating_duration_since(now + self.slack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_s_worth_goes_at_once_and_then_one_by_one() {
        let (pace, now) = (Pace::new(20), Instant::now());
        let waits: Vec<_> = (0..40).map(|_| pace.book(now).as_millis()).collect();
        assert!(waits[..20].iter().all(|wait| *wait == 0), "{waits:?}");
        assert_eq!((waits[20], waits[39]), (50, 1000));
        let later = now + Duration::from_secs(10);
        assert_eq!((0..21).map(|_| pace.book(later).as_millis()).max(), Some(50));
    }
}
