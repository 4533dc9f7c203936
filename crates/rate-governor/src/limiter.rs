use std::{num::NonZeroU32, time::Duration};

use governor::{Quota, RateLimiter, middleware::NoOpMiddleware, nanos::Nanos};
use usage_core::Rate;

use crate::state::{Hand, Tats};

/// Windows are no longer than this, so that no sum of nanoseconds overflows.
const LONGEST_WINDOW: Duration = Duration::from_hours(366 * 24);

/// What asking a bucket said; times in nanoseconds from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) allowed: bool,
    pub(crate) remaining: u64,
    pub(crate) full_in: u64,
    pub(crate) fits_in: u64,
}

/// One rate, over buckets that all rates share: whoever changes the plan keeps what they have used.
pub(crate) struct Limiter {
    governor: RateLimiter<u64, Tats, Hand, NoOpMiddleware<Nanos>>,
    tats: Tats,
    interval: u64,
    quota: NonZeroU32,
}

impl Limiter {
    /// A limiter over these buckets. `None` for a rate that cannot be.
    pub(crate) fn new(rate: Rate, tats: &Tats, hand: &Hand) -> Option<Self> {
        let rate = Rate { window: rate.window.min(LONGEST_WINDOW), ..rate };
        let interval = rate.interval_micros() * 1000;
        let quota = Quota::with_period(Duration::from_nanos(interval))?.allow_burst(rate.quota);
        // Governor counts from the moment at which a limiter is made; all of ours count from 0.
        hand.set(0);
        let governor = RateLimiter::new(quota, tats.clone(), hand.clone());
        Some(Self { governor, tats: tats.clone(), interval, quota: rate.quota })
    }

    /// Takes `cost` from a bucket, if it fits. The hand shows `now`.
    pub(crate) fn take(&self, key: u64, cost: u32, now: u64) -> Said {
        // Beyond the quota every cost is the same: it never fits.
        let cost = cost.min(self.quota.get().saturating_add(1));
        // A bucket that a slower rate has emptied is not emptier than empty.
        self.tats.cap(key, now + self.burst());
        let before = self.spent(key, now);
        let allowed = match NonZeroU32::new(cost) {
            Some(cost) => matches!(self.governor.check_key_n(&key, cost), Ok(Ok(()))),
            None => true,
        };
        let fits_in = if allowed { 0 } else { self.excess(before, cost) };
        self.said(allowed, self.spent(key, now), fits_in)
    }

    /// Whether one more would fit.
    pub(crate) fn peek(&self, key: u64, now: u64) -> Said {
        let spent = self.spent(key, now);
        let excess = self.excess(spent, 1);
        self.said(excess == 0, spent, excess)
    }

    /// How far a bucket is from full.
    fn spent(&self, key: u64, now: u64) -> u64 {
        self.tats.get(key).unwrap_or_default().saturating_sub(now).min(self.burst())
    }

    /// By how much a cost is too much for a bucket.
    fn excess(&self, spent: u64, cost: u32) -> u64 {
        (spent + self.interval * u64::from(cost)).saturating_sub(self.burst())
    }

    fn burst(&self) -> u64 {
        self.interval * u64::from(self.quota.get())
    }

    fn said(&self, allowed: bool, spent: u64, fits_in: u64) -> Said {
        Said { allowed, remaining: (self.burst() - spent) / self.interval, full_in: spent, fits_in }
    }
}
