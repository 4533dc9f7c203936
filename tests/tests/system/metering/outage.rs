//! MET-5, RL-5: Redis decides no quota, and rate limits go on without it.
//!
//! A Redis that forgot is one that answers: everything stays ready. One that is dead keeps no session, so `/readyz` is 503 until it is
//! back; what services meter goes on all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Backend, TestApp};

use super::{House, free, limit, names};
use crate::rig::redis::Redis;
use crate::rig::service::{by_turns, crowd, crowd_counted};
use crate::rig::{tally, until};

async fn on(backend: Backend, redis: &Redis, api_key_per_minute: u32) -> TestApp {
    let url = redis.url();
    let builder = free(backend).config(|config| {
        config.redis.url = Some(url.into());
        config.rate_limit.api_key_per_minute = api_key_per_minute.try_into().expect("more than nothing");
    });
    builder.start().await
}

fn with_redis() -> impl Iterator<Item = Backend> {
    [Backend::SqliteRedis, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgets_freezes_and_dies_admits_nobody_more() {
    let Some(mut redis) = Redis::start().await else { return };
    for backend in with_redis() {
        println!("on {backend}:");
        let app = on(backend, &redis, 600_000).await;
        limit(&app, 500).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let call = |number| house.service.at(by_turns(number, [&app, &sibling])).call(&format!("call-{number}"));
        let answered: Arc<AtomicUsize> = Arc::default();
        let load = tokio::spawn(crowd_counted(32, (0..1200).map(call).collect(), answered.clone()));
        let seen = async |count: usize| {
            let come = async || answered.load(Ordering::SeqCst) >= count;
            until(Duration::from_secs(30), &format!("{count} answers"), come).await
        };
        let ready = async |app: &TestApp| app.visitor().get("/readyz").await.status == 200;
        let is_ready = async |when: &str| {
            for app in [&app, &sibling] {
                until(Duration::from_secs(3), &format!("ready {when}"), async || ready(app).await).await;
            }
        };
        seen(100).await;
        redis.flush();
        assert!(ready(&app).await && ready(&sibling).await, "what forgets is there");
        seen(150).await;
        redis.freeze();
        // They go on while it is frozen, and while it is dead.
        seen(250).await;
        redis.thaw();
        seen(300).await;
        redis.kill();
        seen(420).await;
        assert_eq!(app.visitor().get("/livez").await.status, 200);
        redis.again().await;
        seen(600).await;
        redis.flush();
        is_ready("when it is back").await;
        let answers = load.await.expect("the load");
        assert_eq!(tally(&answers), [(200, 500), (429, 700)]);
        redis.flush();
        is_ready("with everything forgotten").await;
        house.service.call("after").await.problem(429, "quota_exceeded");
        redis.kill();
        house.service.call("after-its-death").await.problem(429, "quota_exceeded");
        redis.again().await;
        is_ready("at last").await;
        house.service.at(&sibling.base).call("after").await.problem(429, "quota_exceeded");

        // The session went with the first flush.
        house.owner.sign_in().await;
        let ledger = names(&house.ledger().await);
        assert_eq!(ledger.len(), 500);
        assert!(ledger.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(house.month().await, [json!(500), json!(0), json!(500), json!(0)]);
    }
}

/// How many requests a minute the service has in the next test.
const RATE: u32 = 20;
/// Requests that are sent together.
const BURST: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limits_hold_while_redis_is_frozen_and_when_it_forgot() {
    let Some(redis) = Redis::start().await else { return };
    for backend in with_redis() {
        println!("on {backend}:");
        let app = on(backend, &redis, RATE).await;
        limit(&app, -1).await;
        let house = House::new(&app, "acme").await;
        let began = Instant::now();
        let burst = async || {
            let answers =
                crowd(BURST, (0..BURST).map(|_| house.service.get("/api/v1/check-tier?service=chat")).collect()).await;
            for answer in answers.iter().filter(|answer| answer.status != 200) {
                answer.problem(429, "rate_limited");
                assert!(answer.header("retry-after").is_some());
            }
            answers.iter().filter(|answer| answer.status == 200).count()
        };
        // What the passing of time has given back, at most.
        let refilled = || usize::try_from(began.elapsed().as_secs() * u64::from(RATE) / 60 + 1).expect("few");
        let rate = usize::try_from(RATE).expect("few");
        let mut admitted = burst().await;
        assert!((rate..=rate + refilled()).contains(&admitted), "{admitted} at once");

        // Each process counts for itself what Redis does not; what it has counted before is not given again.
        redis.freeze();
        admitted += burst().await;
        assert!((rate..=rate + refilled()).contains(&admitted), "{admitted} while Redis is frozen");
        let slow = Instant::now();
        house.service.get("/api/v1/check-tier?service=chat").await;
        assert!(slow.elapsed() < Duration::from_millis(500), "nobody waits for Redis: {:?}", slow.elapsed());
        redis.thaw();
        redis.flush();
        // It comes back with full buckets: twice the burst, and no more.
        let healed = async || house.service.get("/api/v1/check-tier?service=chat").await.status == 200;
        until(Duration::from_secs(3), "Redis counts again", healed).await;
        admitted += 1 + burst().await;
        assert!(admitted <= 2 * rate + refilled(), "{admitted} in all");
    }
}
