//! Limits in the process, alone and behind shared buckets.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Ambient, StoreError, Timestamp};
use rate_governor::{Divided, LocalBuckets, WithFallback};
use tokio::time::Instant;
use usage_core::testing::{Passing, rate_limiter_contract, rate_limiter_race};
use usage_core::{Bucket, Rate, RateLimiter, Taken};

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn rate(quota: u32, seconds: u64) -> Rate {
    Rate { quota: number(quota), window: Duration::from_secs(seconds) }
}

fn bucket(key: &str) -> Bucket {
    Bucket { policy: "api", key: key.to_owned() }
}

/// How many of so many attempts are let through.
async fn admitted(limiter: &dyn RateLimiter, who: &Bucket, rate: Rate, attempts: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..attempts {
        admitted += u32::from(limiter.take(who, rate, 1).await.unwrap().allowed);
    }
    admitted
}

#[tokio::test]
async fn overload_admits_the_burst_and_the_rate_and_not_one_more() {
    let (clock, ambient) = manual_ambient(1);
    let buckets = LocalBuckets::new(ambient);
    // 10 a second, 20 at once; 30 a second come for a minute, from two writers by turns.
    let (rate, who, other) = (rate(20, 2), bucket("usr_1"), buckets.clone());
    let mut admitted = 0;
    for n in 0..60 * 30 {
        let writer = if n % 2 == 0 { &buckets } else { &other };
        admitted += u32::from(writer.take(&who, rate, 1).await.unwrap().allowed);
        clock.advance(Duration::from_micros(1_000_000 / 30));
    }
    assert!((619..=621).contains(&admitted), "{admitted}");
}

#[tokio::test]
async fn waiting_as_long_as_told_is_long_enough_and_a_microsecond_less_is_not() {
    let (clock, ambient) = manual_ambient(2);
    let buckets = LocalBuckets::new(ambient.clone());
    for quota in 1..100 {
        let (rate, who) = (rate(quota, 60), bucket(&format!("usr_{quota}")));
        assert_eq!(admitted(&buckets, &who, rate, quota + 5).await, quota);
        clock.advance(Duration::from_micros(137 * u64::from(quota)));
        let refused = buckets.take(&who, rate, 1).await.unwrap();
        assert!(!refused.allowed && refused.remaining == 0, "{refused:?}");
        let wait = (refused.retry_at - ambient.now()).to_std().unwrap();
        clock.advance(wait.saturating_sub(Duration::from_micros(1)));
        assert!(!buckets.take(&who, rate, 1).await.unwrap().allowed, "quota {quota}");
        clock.advance(Duration::from_micros(1));
        assert!(buckets.take(&who, rate, 1).await.unwrap().allowed, "quota {quota}");
    }
}

#[tokio::test]
async fn a_bucket_tells_what_is_left_and_when_it_is_full() {
    let (clock, ambient) = manual_ambient(3);
    let buckets = LocalBuckets::new(ambient.clone());
    let (rate, who, start) = (rate(60, 60), bucket("usr_1"), ambient.now());
    let expected = |allowed, remaining, full: i64, retry: i64| Taken {
        allowed,
        remaining,
        full_at: start + TimeDelta::milliseconds(full),
        retry_at: start + TimeDelta::milliseconds(retry),
        rate,
    };
    assert_eq!(buckets.peek(&who, rate).await.unwrap(), expected(true, 60, 0, 0));
    assert_eq!(buckets.take(&who, rate, 10).await.unwrap(), expected(true, 50, 10_000, 0));
    clock.advance(Duration::from_millis(1500));
    assert_eq!(buckets.peek(&who, rate).await.unwrap(), expected(true, 51, 10_000, 1500));
    assert_eq!(buckets.take(&who, rate, 52).await.unwrap(), expected(false, 51, 10_000, 2000));
    assert_eq!(buckets.take(&who, rate, 51).await.unwrap(), expected(true, 0, 61_000, 1500));
    assert_eq!(buckets.peek(&who, rate).await.unwrap(), expected(false, 0, 61_000, 2000));
    assert_eq!(buckets.take(&who, rate, 1).await.unwrap(), expected(false, 0, 61_000, 2000));
    assert!(!buckets.take(&bucket("usr_2"), rate, 61).await.unwrap().allowed, "more than the whole bucket");
    assert_eq!(buckets.remembered(), 1, "what is refused is not remembered");
    let other = Bucket { policy: "decision", key: "usr_1".to_owned() };
    assert_eq!(buckets.take(&other, rate, 60).await.unwrap().remaining, 0, "another rule, another bucket");
}

#[tokio::test]
async fn whoever_changes_the_plan_keeps_what_they_have_used() {
    let (clock, ambient) = manual_ambient(6);
    let buckets = LocalBuckets::new(ambient);
    let (slow, fast, who) = (rate(10, 60), rate(1000, 60), bucket("usr_1"));
    assert_eq!(admitted(&buckets, &who, slow, 20).await, 10);
    assert_eq!(admitted(&buckets, &who, fast, 20).await, 0);
    clock.advance(Duration::from_millis(600));
    assert_eq!(admitted(&buckets, &who, fast, 20).await, 10, "from now on it fills faster");
    assert_eq!(admitted(&buckets, &who, slow, 20).await, 0);
    // An hour's bucket that is empty is an empty one of a second.
    assert_eq!(buckets.take(&bucket("usr_2"), rate(1, 3600), 1).await.unwrap().remaining, 0);
    assert_eq!(admitted(&buckets, &bucket("usr_2"), rate(5, 1), 20).await, 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(admitted(&buckets, &bucket("usr_2"), rate(5, 1), 20).await, 5);
}

#[tokio::test]
async fn a_clock_that_is_put_back_neither_locks_out_nor_gives_more() {
    let (clock, ambient) = manual_ambient(4);
    let buckets = LocalBuckets::new(ambient);
    let (rate, who) = (rate(10, 10), bucket("usr_1"));
    assert_eq!(admitted(&buckets, &who, rate, 20).await, 10);
    clock.step_back(Duration::from_hours(1));
    assert_eq!(admitted(&buckets, &who, rate, 20).await, 0);
    clock.advance(Duration::from_secs(3));
    assert_eq!(admitted(&buckets, &who, rate, 20).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_at_a_limit_of_five_are_five() {
    let buckets = LocalBuckets::new(Ambient::system());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let buckets = buckets.clone();
        calls.spawn(async move { buckets.take(&bucket("usr_1"), rate(5, 3600), 1).await.unwrap().allowed });
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|allowed| *allowed).count(), 5);
}

/// Time that is moved by hand.
struct ByHand(Arc<ManualClock>, Ambient);

#[async_trait]
impl Passing for ByHand {
    async fn now(&self) -> Timestamp {
        self.1.now()
    }
    async fn pass(&self, time: Duration) {
        self.0.advance(time);
    }
}

#[tokio::test]
async fn the_contract_of_every_limiter_holds() {
    let (clock, ambient) = manual_ambient(7);
    let time = ByHand(clock, ambient.clone());
    let local = LocalBuckets::new(ambient.clone());
    rate_limiter_contract(&local, &time, &ambient).await;
    rate_limiter_race(&local, &ambient).await;
    rate_limiter_contract(&Divided::new(LocalBuckets::new(ambient.clone()), number(1)), &time, &ambient).await;
    for state in [UP, FAILING] {
        let shared = Shared::new(&ambient);
        shared.become_(state);
        let limiter = WithFallback::new(shared, LocalBuckets::new(ambient.clone()), number(1));
        rate_limiter_contract(&limiter, &time, &ambient).await;
        rate_limiter_race(&limiter, &ambient).await;
    }
}

/// Shared buckets that fail, hang and forget on demand.
struct Shared {
    buckets: Mutex<LocalBuckets>,
    state: AtomicU32,
    asked: AtomicU32,
}

const UP: u32 = 0;
const FAILING: u32 = 1;
const HUNG: u32 = 2;

impl Shared {
    fn new(ambient: &Ambient) -> Arc<Self> {
        let buckets = Mutex::new(LocalBuckets::new(ambient.clone()));
        Arc::new(Self { buckets, state: AtomicU32::new(UP), asked: AtomicU32::new(0) })
    }

    fn become_(&self, state: u32) {
        self.state.store(state, Ordering::SeqCst);
    }

    fn forget(&self, ambient: &Ambient) {
        *self.buckets.lock().unwrap_or_else(PoisonError::into_inner) = LocalBuckets::new(ambient.clone());
    }

    async fn up(&self) -> Result<LocalBuckets, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.state.load(Ordering::SeqCst) {
            UP => Ok(self.buckets.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            FAILING => Err(StoreError::unavailable("the double is down")),
            _ => std::future::pending().await,
        }
    }
}

#[async_trait]
impl RateLimiter for Shared {
    async fn take(&self, bucket: &Bucket, rate: Rate, cost: u32) -> Result<Taken, StoreError> {
        self.up().await?.take(bucket, rate, cost).await
    }
    async fn peek(&self, bucket: &Bucket, rate: Rate) -> Result<Taken, StoreError> {
        self.up().await?.peek(bucket, rate).await
    }
}

fn house(instances: u32) -> (Arc<ManualClock>, Ambient, Arc<Shared>, WithFallback) {
    let (clock, ambient) = manual_ambient(5);
    let shared = Shared::new(&ambient);
    let limiter = WithFallback::new(shared.clone(), LocalBuckets::new(ambient.clone()), number(instances));
    (clock, ambient, shared, limiter)
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_limited_at_once_and_waits_for_the_dead_server_once_a_second() {
    for state in [FAILING, HUNG] {
        let (_, _, shared, limiter) = house(1);
        let (rate, who) = (rate(10, 60), bucket("usr_1"));
        shared.become_(state);
        let begun = Instant::now();
        assert_eq!(admitted(&limiter, &who, rate, 500).await, 10);
        assert!(begun.elapsed() <= Duration::from_millis(50), "{:?}", begun.elapsed());
        assert_eq!(shared.asked.load(Ordering::SeqCst), 1);
        assert_eq!(limiter.peek(&who, rate).await.unwrap().remaining, 0);

        // Ten seconds with a question each 10 ms: the server is asked once a second, and only that question waits.
        for _ in 0..1000 {
            let asked = Instant::now();
            limiter.take(&who, rate, 1).await.unwrap();
            assert!(asked.elapsed() <= Duration::from_millis(50), "{:?}", asked.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let asked = shared.asked.load(Ordering::SeqCst);
        assert!((9..=12).contains(&asked), "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_of_several_processes_has_its_part_of_the_limit() {
    for (instances, quota, expected) in [(1, 10, 10), (2, 10, 5), (3, 10, 3), (20, 10, 1)] {
        let (clock, _, shared, limiter) = house(instances);
        let (rate, who) = (rate(quota, 60), bucket("usr_1"));
        shared.become_(FAILING);
        assert_eq!(admitted(&limiter, &who, rate, 50).await, expected, "{instances} processes");
        clock.advance(Duration::from_mins(1));
        let later = admitted(&limiter, &who, rate, 50).await;
        assert!(later * instances <= quota, "{instances} processes admit {later} each a minute");
    }
}

#[tokio::test]
async fn where_nothing_is_shared_the_processes_give_a_limit_together() {
    for (instances, quota, expected) in [(1, 10, 10), (2, 10, 5), (20, 10, 1)] {
        let (clock, ambient) = manual_ambient(8);
        let limiter = Divided::new(LocalBuckets::new(ambient), number(instances));
        let (rate, who) = (rate(quota, 60), bucket("usr_1"));
        assert_eq!(limiter.peek(&who, rate).await.unwrap().remaining, expected, "{instances} processes");
        assert_eq!(admitted(&limiter, &who, rate, 50).await, expected, "{instances} processes");
        clock.advance(Duration::from_mins(1));
        assert!(admitted(&limiter, &who, rate, 50).await * instances <= quota);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_more_than_two_bursts_out_of_an_outage() {
    // An outage that begins after the burst; the shared buckets come back with what they knew, or with nothing.
    for (forgets, bursts) in [(false, 1), (true, 2)] {
        let (_, ambient, shared, limiter) = house(1);
        let (rate, who) = (rate(100, 3600), bucket("usr_1"));
        let mut all = admitted(&limiter, &who, rate, 300).await;
        assert_eq!(all, 100);
        shared.become_(HUNG);
        all += admitted(&limiter, &who, rate, 300).await;
        assert_eq!(all, 100, "the outage brings no burst of its own");
        if forgets {
            shared.forget(&ambient);
        }
        shared.become_(UP);
        tokio::time::sleep(Duration::from_millis(1001)).await;
        all += admitted(&limiter, &who, rate, 300).await;
        assert_eq!(all, bursts * 100);
    }
    // One whose burst falls into the outage.
    let (_, _, shared, limiter) = house(1);
    let (rate, who) = (rate(100, 3600), bucket("usr_1"));
    shared.become_(FAILING);
    let mut all = admitted(&limiter, &who, rate, 300).await;
    shared.become_(UP);
    tokio::time::sleep(Duration::from_millis(1001)).await;
    all += admitted(&limiter, &who, rate, 300).await;
    assert_eq!(all, 200);
}

#[tokio::test(start_paused = true)]
async fn the_shared_buckets_decide_while_they_answer_and_again_within_a_second_of_their_return() {
    let (_, _, shared, limiter) = house(10);
    let (rate, who) = (rate(10, 3600), bucket("usr_1"));
    assert_eq!(admitted(&limiter, &who, rate, 4).await, 4, "not a tenth of ten");
    shared.become_(FAILING);
    assert_eq!(admitted(&limiter, &who, rate, 4).await, 0, "this process has let its part through already");
    shared.become_(UP);
    assert_eq!(admitted(&limiter, &who, rate, 4).await, 0, "nobody asks again so soon");
    tokio::time::sleep(Duration::from_millis(1001)).await;
    assert_eq!(admitted(&limiter, &who, rate, 20).await, 6);
}
