use std::num::NonZeroU32;
use std::time::Duration;

use kernel::Timestamp;

/// How many requests may come: a burst at once, and as many again in each window, evenly (GCRA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many in a window; also the burst.
    pub quota: NonZeroU32,
    /// How long a window is.
    pub window: Duration,
}

impl Rate {
    /// So many in a minute.
    pub const fn per_minute(quota: NonZeroU32) -> Self {
        Self { quota, window: Duration::from_mins(1) }
    }

    /// The time that one request costs, in microseconds, at least 1.
    pub fn interval_micros(&self) -> u64 {
        let window = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        (window / u64::from(self.quota.get())).max(1)
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Which rule: `login`, `api`, `decision`.
    pub policy: &'static str,
    /// Whose: `usr_…`, `org_…`, `apk_…`, or an address with its network (`203.0.113.7`, `2001:db8::/64`).
    pub key: String,
}

/// What asking a bucket said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether it fits.
    pub allowed: bool,
    /// How many more would fit now.
    pub remaining: u32,
    /// When the bucket is full again.
    pub full_at: Timestamp,
    /// When a request that was refused would fit; now for one that was not.
    pub retry_at: Timestamp,
    /// The rule.
    pub rate: Rate,
}
