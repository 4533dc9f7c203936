//! Redis goes away and comes back while limits are asked for, with buckets in the process behind it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kernel::Ambient;
use rate_governor::{LocalBuckets, WithFallback};
use tokio::time::{Instant, sleep, timeout};
use usage_core::{Bucket, RateLimiter};

use crate::server::Server;
use crate::{buckets, fresh, key, rate};

/// Far from what Redis's own deadline would make it; a machine under load may add to [`WithFallback::PATIENCE`].
const ANSWER: Duration = Duration::from_millis(250);

async fn admitted(limiter: &WithFallback, who: &Bucket) -> u32 {
    let mut admitted = 0;
    for _ in 0..60 {
        let asked = Instant::now();
        let taken = limiter.take(who, rate(20, Duration::from_hours(1)), 1).await.unwrap();
        assert!(asked.elapsed() < ANSWER, "{:?}", asked.elapsed());
        admitted += u32::from(taken.allowed);
    }
    admitted
}

#[tokio::test]
async fn whatever_befalls_redis_nobody_waits_and_nobody_gets_more_than_two_bursts() {
    let Some(mut server) = Server::start().await else { return };
    let ambient = Ambient::system();
    let shared = Arc::new(buckets(&server.sessions()));
    let limiter = WithFallback::new(shared, LocalBuckets::new(ambient), NonZeroU32::MIN);
    let mut raw = server.raw().await;

    let early = fresh();
    assert_eq!(admitted(&limiter, &early).await, 20);
    server.signal("STOP");
    let late = fresh();
    assert_eq!((admitted(&limiter, &early).await, admitted(&limiter, &late).await), (0, 20), "limited, not open");
    server.signal("CONT");
    let back = async {
        loop {
            let somebody = fresh();
            limiter.take(&somebody, rate(20, Duration::from_hours(1)), 1).await.unwrap();
            let shared: bool = redis::cmd("EXISTS").arg(key(&somebody)).query_async(&mut raw).await.unwrap();
            if shared {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(10), back).await.unwrap();
    let again = admitted(&limiter, &late).await;
    assert!(again <= 20, "{again}");
    assert_eq!(admitted(&limiter, &early).await, 0, "what Redis knew it still knows");

    redis::cmd("FLUSHALL").exec_async(&mut raw).await.unwrap();
    let second = admitted(&limiter, &early).await;
    assert!(second <= 20, "{second}");
    server.kill();
    assert_eq!(admitted(&limiter, &early).await, 0, "and no third");
    assert_eq!(admitted(&limiter, &fresh()).await, 20);
}
