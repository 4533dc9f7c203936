//! The buckets of rate limits against a real Redis.
//!
//! `OPS_CENTER_TEST_REDIS=redis://127.0.0.1:PORT` names a server to use; without it each test starts a private `redis-server`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod outage;
#[path = "../sessions/server.rs"]
#[expect(dead_code, reason = "the tests of sessions use the rest")]
mod server;

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Ambient, RecordId, StoreError};
use redis::aio::MultiplexedConnection;
use session_redis::{RedisBuckets, RedisSessions};
use tokio::time::{Instant, sleep, timeout};
use usage_core::{Bucket, Rate, RateLimiter};

use crate::server::{AnyServer, Server};

fn rate(quota: u32, window: Duration) -> Rate {
    Rate { quota: NonZeroU32::new(quota).unwrap(), window }
}

fn buckets(sessions: &RedisSessions) -> RedisBuckets {
    RedisBuckets::beside(sessions, Ambient::system())
}

/// A bucket that no other test has.
fn fresh() -> Bucket {
    Bucket { policy: "api", key: RecordId::mint(&Ambient::system()).to_string() }
}

fn key(bucket: &Bucket) -> String {
    format!("ops:rl:{{{}}}:{}", bucket.key, bucket.policy)
}

async fn stored(raw: &mut MultiplexedConnection, bucket: &Bucket) -> Option<String> {
    redis::cmd("GET").arg(key(bucket)).query_async(raw).await.unwrap()
}

async fn ttl(raw: &mut MultiplexedConnection, bucket: &Bucket) -> i64 {
    redis::cmd("PTTL").arg(key(bucket)).query_async(raw).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_from_two_connections_admits_the_burst_and_the_rate() {
    let Some(server) = AnyServer::find().await else { return };
    let (rate, who) = (rate(20, Duration::from_secs(2)), fresh());
    let one = buckets(&server.sessions());
    let begun = Instant::now();
    assert!(one.take(&who, rate, 1).await.unwrap().allowed);
    let known = Instant::now();
    // 10 a second, 20 at once; each of two connections asks 15 times a second, for six seconds.
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (buckets, who) = (buckets(&server.sessions()), who.clone());
        callers.spawn(async move {
            let mut admitted = 0;
            let mut tick = tokio::time::interval(Duration::from_millis(66));
            while begun.elapsed() < Duration::from_secs(6) {
                tick.tick().await;
                admitted += u32::from(buckets.take(&who, rate, 1).await.unwrap().allowed);
            }
            admitted
        });
    }
    let mut admitted = 1 + callers.join_all().await.iter().sum::<u32>();
    let mut last = Instant::now();
    while one.take(&who, rate, 1).await.unwrap().allowed {
        (admitted, last) = (admitted + 1, Instant::now());
    }
    // The bucket is empty now: what it let through is known from the shortest and the longest time that this may have taken.
    let fewest = 20.0 + (last - known).as_secs_f64() * 10.0 - 1.0;
    let greatest = 20.0 + begun.elapsed().as_secs_f64() * 10.0 + 1.0;
    assert!((fewest..=greatest).contains(&f64::from(admitted)), "{fewest} <= {admitted} <= {greatest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_at_a_limit_of_five_are_five() {
    let Some(server) = AnyServer::find().await else { return };
    let (one, two, who) = (buckets(&server.sessions()), buckets(&server.sessions()), fresh());
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (buckets, who) = (if n % 2 == 0 { one.clone() } else { two.clone() }, who.clone());
        calls.spawn(async move { buckets.take(&who, rate(5, Duration::from_hours(1)), 1).await.unwrap().allowed });
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|allowed| *allowed).count(), 5);
}

#[tokio::test]
async fn what_is_refused_or_looked_at_writes_nothing() {
    let Some(server) = AnyServer::find().await else { return };
    let (buckets, mut raw, who) = (buckets(&server.sessions()), server.raw().await, fresh());
    let rate = rate(3, Duration::from_hours(1));
    assert!(buckets.peek(&who, rate).await.unwrap().allowed);
    assert!(!buckets.take(&who, rate, 4).await.unwrap().allowed, "more than the whole bucket");
    assert!(buckets.take(&who, rate, 0).await.unwrap().allowed, "nothing fits always");
    assert_eq!(stored(&mut raw, &who).await, None);

    assert_eq!(buckets.take(&who, rate, 3).await.unwrap().remaining, 0);
    let (kept, left) = (stored(&mut raw, &who).await, ttl(&mut raw, &who).await);
    for _ in 0..1000 {
        assert!(!buckets.take(&who, rate, 1).await.unwrap().allowed);
        assert!(!buckets.peek(&who, rate).await.unwrap().allowed);
    }
    assert_eq!(stored(&mut raw, &who).await, kept);
    assert!(ttl(&mut raw, &who).await <= left, "no refusal keeps the key alive");
    let number = kept.unwrap();
    assert!(number.bytes().all(|b| b.is_ascii_digit()) && number.len() == 16, "µs in full: {number}");
}

#[tokio::test]
async fn a_key_lives_until_its_bucket_is_full() {
    let Some(server) = AnyServer::find().await else { return };
    let (buckets, mut raw, who) = (buckets(&server.sessions()), server.raw().await, fresh());
    let window = Duration::from_millis(400);
    for cost in [1, 3] {
        buckets.take(&who, rate(4, window), cost).await.unwrap();
        let left = ttl(&mut raw, &who).await;
        assert!((0..=401).contains(&left), "{left} ms");
    }
    sleep(window + Duration::from_millis(50)).await;
    assert_eq!(stored(&mut raw, &who).await, None);
    assert_eq!(buckets.peek(&who, rate(4, window)).await.unwrap().remaining, 4);
}

#[tokio::test]
async fn waiting_as_long_as_told_is_long_enough() {
    let Some(server) = AnyServer::find().await else { return };
    let (buckets, ambient, who) = (buckets(&server.sessions()), Ambient::system(), fresh());
    let rate = rate(7, Duration::from_secs(7));
    assert_eq!(buckets.take(&who, rate, 7).await.unwrap().remaining, 0);
    for _ in 0..2 {
        let refused = buckets.take(&who, rate, 1).await.unwrap();
        assert!(!refused.allowed && refused.remaining == 0, "{refused:?}");
        let wait = refused.retry_at - ambient.now();
        assert!(wait > TimeDelta::zero() && wait <= TimeDelta::seconds(1), "{wait}");
        assert!(refused.full_at > refused.retry_at);
        sleep(wait.to_std().unwrap()).await;
        let taken = buckets.take(&who, rate, 1).await.unwrap();
        assert!(taken.allowed, "{taken:?}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_counts_as_an_empty_bucket() {
    let Some(server) = AnyServer::find().await else { return };
    let (buckets, mut raw, who) = (buckets(&server.sessions()), server.raw().await, fresh());
    let rate = rate(10, Duration::from_secs(1));
    // As after a clock was put back by years.
    redis::cmd("SET").arg(key(&who)).arg("9007199254740991").exec_async(&mut raw).await.unwrap();
    assert!(!buckets.peek(&who, rate).await.unwrap().allowed);
    let refused = buckets.take(&who, rate, 1).await.unwrap();
    let wait = refused.retry_at - Ambient::system().now();
    assert!(!refused.allowed && wait <= TimeDelta::milliseconds(100), "{refused:?}");
    sleep(wait.to_std().unwrap()).await;
    assert!(buckets.take(&who, rate, 1).await.unwrap().allowed);
    // A key without an expiry gets one.
    redis::cmd("SET").arg(key(&who)).arg("1").exec_async(&mut raw).await.unwrap();
    assert_eq!(buckets.take(&who, rate, 1).await.unwrap().remaining, 9);
    assert!((0..=101).contains(&ttl(&mut raw, &who).await));
}

#[tokio::test]
async fn a_hung_redis_is_an_outage_and_what_is_no_number_a_defect() {
    let Some(server) = Server::start().await else { return };
    let (buckets, mut raw, who) = (buckets(&server.sessions()), server.raw().await, fresh());
    let rate = rate(10, Duration::from_secs(1));
    redis::cmd("LPUSH").arg(key(&who)).arg("junk").exec_async(&mut raw).await.unwrap();
    let answer = buckets.take(&who, rate, 1).await;
    assert!(matches!(answer, Err(StoreError::Broken(_))), "{answer:?}");
    server.signal("STOP");
    let answer = timeout(Duration::from_millis(1500), buckets.take(&fresh(), rate, 1)).await.unwrap();
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    server.signal("CONT");
}
