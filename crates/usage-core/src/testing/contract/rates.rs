use std::num::NonZeroU32;
use std::time::Duration;

use kernel::testing::race;
use kernel::{Ambient, Timestamp};

use super::stage::SECOND;
use crate::testing::Passing;
use crate::{Bucket, Rate, RateLimiter, Taken};

/// The limiter under test, its clock, and buckets that nobody else has.
struct Taps<'a> {
    limiter: &'a dyn RateLimiter,
    time: &'a dyn Passing,
    unique: String,
}

/// One request costs two seconds, five may come at once: time that the test itself takes does not change a count.
fn slow() -> Rate {
    Rate { quota: NonZeroU32::new(5).unwrap(), window: SECOND * 10 }
}

fn unique(ambient: &Ambient) -> String {
    ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Taps<'_> {
    fn bucket(&self, key: &str) -> Bucket {
        Bucket { policy: "contract", key: format!("usr_{}-{key}", self.unique) }
    }

    async fn take(&self, bucket: &Bucket, cost: u32) -> Taken {
        self.limiter.take(bucket, slow(), cost).await.unwrap()
    }

    async fn peek(&self, bucket: &Bucket) -> Taken {
        self.limiter.peek(bucket, slow()).await.unwrap()
    }

    /// Lets time pass until this moment, and not much longer.
    async fn until(&self, moment: Timestamp) {
        let left = moment.signed_duration_since(self.time.now().await).to_std().unwrap_or_default();
        self.time.pass(left + Duration::from_millis(5)).await;
    }
}

/// What every [`RateLimiter`] promises. By a real clock it takes some ten seconds.
pub async fn rate_limiter_contract(limiter: &dyn RateLimiter, time: &dyn Passing, ambient: &Ambient) {
    let t = Taps { limiter, time, unique: unique(ambient) };
    a_burst_and_no_more(&t).await;
    what_is_refused_costs_nothing(&t).await;
    costs_fit_whole_or_not_at_all(&t).await;
    buckets_are_apart(&t).await;
    it_fills_evenly(&t).await;
}

async fn a_burst_and_no_more(t: &Taps<'_>) {
    let bucket = t.bucket("burst");
    let full = t.peek(&bucket).await;
    assert_eq!((full.allowed, full.remaining, full.rate), (true, 5, slow()), "a new bucket is full");
    for left in (0..5).rev() {
        let taken = t.take(&bucket, 1).await;
        assert_eq!((taken.allowed, taken.remaining, taken.rate), (true, left, slow()));
        let seen = t.peek(&bucket).await;
        assert_eq!((seen.allowed, seen.remaining), (left > 0, left), "asking costs nothing");
    }
    let refused = t.take(&bucket, 1).await;
    let now = t.time.now().await;
    assert_eq!((refused.allowed, refused.remaining), (false, 0), "five at once, not six");
    let wait = refused.retry_at.signed_duration_since(now).num_milliseconds();
    assert!((0..=2_000).contains(&wait), "one fits in at most two seconds: {wait} ms");
    let until_full = refused.full_at.signed_duration_since(now).num_milliseconds();
    assert!((8_000..=10_000).contains(&until_full), "it is full in ten seconds: {until_full} ms");
}

async fn what_is_refused_costs_nothing(t: &Taps<'_>) {
    let bucket = t.bucket("refused");
    assert!(t.take(&bucket, 5).await.allowed);
    let first = t.take(&bucket, 1).await;
    for _ in 0..50 {
        let again = t.take(&bucket, 1).await;
        let moved = again.retry_at.signed_duration_since(first.retry_at).abs();
        assert!(!again.allowed && moved.num_milliseconds() <= 250, "whoever insists waits no longer");
    }
    t.until(first.retry_at).await;
    assert!(t.take(&bucket, 1).await.allowed, "who waits as long as told gets through");
    assert!(!t.take(&bucket, 1).await.allowed, "with one");
}

async fn costs_fit_whole_or_not_at_all(t: &Taps<'_>) {
    let bucket = t.bucket("costs");
    assert!(t.take(&bucket, 3).await.allowed);
    let refused = t.take(&bucket, 3).await;
    assert_eq!((refused.allowed, refused.remaining), (false, 2), "nothing was taken");
    let taken = t.take(&bucket, 2).await;
    assert_eq!((taken.allowed, taken.remaining), (true, 0));
    let fresh = t.bucket("too much");
    assert!(!t.take(&fresh, 6).await.allowed, "more than a bucket holds never fits");
    assert_eq!(t.peek(&fresh).await.remaining, 5);
    assert!(!t.take(&fresh, u32::MAX).await.allowed);
    assert_eq!(t.take(&fresh, 5).await.remaining, 0, "all of it does");
}

async fn buckets_are_apart(t: &Taps<'_>) {
    let (one, other) = (t.bucket("one"), t.bucket("one "));
    let policy = Bucket { policy: "other", key: one.key.clone() };
    let address = Bucket { policy: "contract", key: format!("2001:db8:{}::/64", t.unique) };
    assert_eq!(t.take(&one, 5).await.remaining, 0);
    for bucket in [other, policy, address] {
        assert_eq!(t.take(&bucket, 1).await.remaining, 4, "{bucket:?} is another bucket");
    }
}

/// In any stretch of time no more gets through than the burst and what came in evenly.
async fn it_fills_evenly(t: &Taps<'_>) {
    let bucket = t.bucket("evenly");
    let begun = t.time.now().await;
    let mut passed = 0;
    for _ in 0..12 {
        while t.take(&bucket, 1).await.allowed {
            passed += 1;
        }
        t.time.pass(SECOND / 2).await;
    }
    let seconds = t.time.now().await.signed_duration_since(begun).num_seconds() + 1;
    assert!(passed <= 5 + seconds / 2 + 1, "{passed} in {seconds} s");
    assert!(passed >= 7, "and those get through: {passed}");
}

/// Of 100 requests that collide exactly the burst gets through.
pub async fn rate_limiter_race(limiter: &dyn RateLimiter, ambient: &Ambient) {
    let rate = Rate { quota: NonZeroU32::new(5).unwrap(), window: SECOND * 1_000 };
    let bucket = Bucket { policy: "race", key: unique(ambient) };
    let answers = race(100, async |_| limiter.take(&bucket, rate, 1).await.unwrap()).await;
    assert_eq!(answers.iter().filter(|taken| taken.allowed).count(), 5, "the burst and no more");
    let mut left: Vec<_> = answers.iter().filter(|taken| taken.allowed).map(|taken| taken.remaining).collect();
    left.sort_unstable();
    assert_eq!(left, vec![0, 1, 2, 3, 4], "each sees its own turn");
}
