use std::time::Duration;

use kernel::testing::race;
use kernel::{Ambient, Timestamp};

use crate::{Attempt, Throttle, ThrottleRule};

const SECOND: Duration = Duration::from_secs(1);
const PERIOD: Duration = Duration::from_secs(20);
const STEADY: ThrottleRule = ThrottleRule::Steady { burst: 5, period: PERIOD };
const LONGEST: Duration = Duration::from_mins(15);
const DOUBLING: ThrottleRule = ThrottleRule::Doubling { first: SECOND, longest: LONGEST };

/// One counter that nobody else uses.
struct Counter<'a> {
    throttle: &'a dyn Throttle,
    key: String,
    rule: ThrottleRule,
}

impl<'a> Counter<'a> {
    fn new(throttle: &'a dyn Throttle, ambient: &Ambient, rule: ThrottleRule) -> Self {
        let unique: String = ambient.random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { throttle, key: format!("test:{unique}"), rule }
    }

    async fn admit(&self, now: Timestamp) -> Attempt {
        self.throttle.admit(&self.key, self.rule, now).await.unwrap()
    }

    async fn forgive(&self) {
        self.throttle.forgive(&self.key, self.rule).await.unwrap();
    }

    /// How many of this many attempts at one moment pass.
    async fn admitted(&self, tries: usize, now: Timestamp) -> usize {
        let mut admitted = 0;
        for _ in 0..tries {
            admitted += usize::from(self.admit(now).await == Attempt::Admitted);
        }
        admitted
    }

    /// The wait that is asked for: a store may round up, but never by a second.
    async fn assert_wait(&self, now: Timestamp, expected: Duration, why: &str) {
        match self.admit(now).await {
            Attempt::Wait(wait) => {
                assert!(
                    wait + SECOND > expected && wait < expected + SECOND,
                    "{why}: {wait:?} instead of {expected:?}"
                );
            }
            Attempt::Admitted => panic!("{why}: admitted instead of a wait of {expected:?}"),
        }
    }
}

/// What every [`Throttle`] promises.
pub async fn throttle_contract(throttle: &dyn Throttle, ambient: &Ambient) {
    steady(throttle, ambient).await;
    steady_forgives_one(throttle, ambient).await;
    doubling(throttle, ambient).await;
    doubling_forgives_all(throttle, ambient).await;
}

async fn steady(throttle: &dyn Throttle, ambient: &Ambient) {
    let (counter, now) = (Counter::new(throttle, ambient, STEADY), ambient.now());
    assert_eq!(counter.admitted(5, now).await, 5, "a burst at once");
    counter.assert_wait(now, PERIOD, "after the burst").await;
    assert_eq!(counter.admitted(100, now + SECOND).await, 0, "nothing more at once");
    counter.assert_wait(now + SECOND, Duration::from_secs(19), "refusals are not counted, and the wait shrinks").await;
    counter.assert_wait(now - SECOND * 60, PERIOD + SECOND * 60, "a clock that is behind gets nothing").await;
    assert_eq!(counter.admitted(3, now + PERIOD).await, 1, "one per period, exactly after the wait");
    counter.assert_wait(now + PERIOD, PERIOD, "then another period").await;
    assert_eq!(counter.admitted(5, now + PERIOD * 3 + SECOND).await, 2, "what was not used adds up");
    assert_eq!(counter.admitted(50, now + PERIOD * 100).await, 5, "to a burst and no more");
    let other = Counter::new(throttle, ambient, STEADY);
    assert_eq!(other.admitted(6, now).await, 5, "each key counts by itself");
}

async fn steady_forgives_one(throttle: &dyn Throttle, ambient: &Ambient) {
    let (counter, now) = (Counter::new(throttle, ambient, STEADY), ambient.now());
    counter.forgive().await;
    assert_eq!(counter.admitted(9, now).await, 5, "nothing to give back is no error and no credit");
    counter.forgive().await;
    assert_eq!(counter.admitted(9, now).await, 1, "one is given back");
    counter.forgive().await;
    counter.forgive().await;
    assert_eq!(counter.admitted(9, now).await, 2, "one for each call");

    let fresh = Counter::new(throttle, ambient, STEADY);
    assert_eq!(fresh.admit(now).await, Attempt::Admitted);
    for _ in 0..10 {
        fresh.forgive().await;
    }
    assert_eq!(fresh.admitted(20, now).await, 5, "giving back more than was taken earns no credit");
}

async fn doubling(throttle: &dyn Throttle, ambient: &Ambient) {
    let counter = Counter::new(throttle, ambient, DOUBLING);
    let (mut now, mut expected) = (ambient.now(), SECOND);
    for attempt in 1..=14 {
        assert_eq!(counter.admit(now).await, Attempt::Admitted, "attempt {attempt}, exactly after the wait");
        counter.assert_wait(now, expected, "after an attempt").await;
        counter.assert_wait(now + expected / 2, expected / 2, "refusals are not counted, and the wait shrinks").await;
        now += expected;
        expected = (expected * 2).min(LONGEST);
    }
    assert_eq!(expected, LONGEST, "the wait grows no further");
    let other = Counter::new(throttle, ambient, DOUBLING);
    assert_eq!(other.admitted(9, now).await, 1, "each key counts by itself");
}

async fn doubling_forgives_all(throttle: &dyn Throttle, ambient: &Ambient) {
    let counter = Counter::new(throttle, ambient, DOUBLING);
    let mut now = ambient.now();
    counter.forgive().await;
    for wait in [1, 2, 4, 8] {
        assert_eq!(counter.admit(now).await, Attempt::Admitted);
        now += SECOND * wait;
    }
    assert_eq!(counter.admit(now).await, Attempt::Admitted);
    counter.forgive().await;
    assert_eq!(counter.admit(now).await, Attempt::Admitted, "all attempts are forgotten");
    counter.assert_wait(now, SECOND, "and the waits begin anew").await;
}

/// Of 32 racing attempts at one key no more pass than the rule allows at once.
pub async fn throttle_race(throttle: &dyn Throttle, ambient: &Ambient) {
    for (rule, allowed) in [(STEADY, 5), (DOUBLING, 1)] {
        let (counter, now) = (Counter::new(throttle, ambient, rule), ambient.now());
        let answers = race(32, async |_| counter.admit(now).await).await;
        let admitted = answers.iter().filter(|attempt| **attempt == Attempt::Admitted).count();
        assert_eq!(admitted, allowed, "{rule:?}");
    }
}
