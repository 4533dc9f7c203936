//! A million callers, in a process of their own so that nothing else moves the scale.

use std::num::NonZeroU32;
use std::time::Duration;

use kernel::testing::manual_ambient;
use rate_governor::LocalBuckets;
use usage_core::{Bucket, Rate, RateLimiter};

const MIB: u64 = 1024 * 1024;

/// A figure of this process, in bytes, where the system tells.
fn memory(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

fn bucket(n: u32) -> Bucket {
    Bucket { policy: "api", key: format!("usr_01890a5d-ac96-774b-bcce-b302{n:08x}") }
}

#[tokio::test]
async fn a_million_callers_fit_into_64_mib_and_are_forgotten_when_their_buckets_are_full() {
    let (clock, ambient) = manual_ambient(1);
    let buckets = LocalBuckets::new(ambient);
    let rate = Rate::per_minute(NonZeroU32::new(100).unwrap());
    let before = memory("VmRSS");
    for n in 0..1_000_000 {
        assert!(buckets.take(&bucket(n), rate, 1).await.unwrap().allowed);
    }
    assert_eq!(buckets.remembered(), 1_000_000);
    // The most there ever was: a map that grows holds two of itself for a while.
    if let (Some(before), Some(most)) = (before, memory("VmHWM")) {
        assert!(most - before < 64 * MIB, "{} MiB", (most - before) / MIB);
    }

    // Whoever comes when there is no more room is still limited, and those who were there keep what they have.
    for n in 1_000_000..1_200_000 {
        buckets.take(&bucket(n), rate, 1).await.unwrap();
    }
    let most = buckets.remembered();
    assert!(most < 1_060_000, "{most}");
    assert_eq!(buckets.peek(&bucket(7), rate).await.unwrap().remaining, 99);
    let mut admitted = 0;
    for _ in 0..200 {
        admitted += u32::from(buckets.take(&bucket(2_000_000), rate, 1).await.unwrap().allowed);
    }
    assert!(admitted <= 100, "{admitted}");

    clock.advance(Duration::from_mins(2));
    for n in 0..1000 {
        buckets.take(&bucket(3_000_000 + n), rate, 1).await.unwrap();
    }
    assert!(buckets.remembered() <= 1000, "{}", buckets.remembered());
}
