//! MET-11: what is read while calls are recorded is of one moment.

use serde_json::{Value, json};
use testkit::TestUser;
use tokio::task::JoinHandle;

use super::{House, limit, on_free, quota};
use crate::rig::service::{by_turns, crowd};

/// Samples of one of the four readers on one backend: a thousand together.
const SAMPLES: usize = 250;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// What the headers of an answer say that is about something else: used, left, limit.
async fn figures(owner: &TestUser, org: &str) -> [u64; 3] {
    let answer = owner.get(&format!("/api/v1/user/tier?org_id={org}")).await;
    assert_eq!(answer.status, 200);
    let figure = |name| answer.header(name).and_then(|text| text.parse().ok()).expect("a number");
    ["x-api-calls-used", "x-api-calls-remaining", "x-api-calls-limit"].map(figure)
}

/// Reads again and again; `used` never falls, whoever tells it.
async fn reader(owner: TestUser, org: String) -> Vec<u64> {
    let mut seen = Vec::new();
    for turn in 0..SAMPLES {
        let (used, held, left, limit) = match turn % 3 {
            0 => {
                let month = quota(&owner, &org).await["monthly"].clone();
                let [used, held] = ["used", "reserved"].map(|field| number(&month[field]));
                (used, held, number(&month["remaining"]), number(&month["limit"]))
            }
            1 => {
                let now = owner.get(&format!("/api/v1/usage/current?org_id={org}")).await.expect(200);
                let [used, left, limit] =
                    ["api_calls_used", "remaining", "api_calls_limit"].map(|field| number(&now[field]));
                (used, 0, left, limit)
            }
            _ => {
                let [used, left, limit] = figures(&owner, &org).await;
                (used, 0, left, limit)
            }
        };
        assert_eq!(used + held + left, limit);
        assert!(seen.last().is_none_or(|before| *before <= used), "{used} after {seen:?}");
        seen.push(used);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn used_and_remaining_are_the_limit_in_every_sample() {
    on_free(|app| async move {
        limit(&app, 100_000).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let readers: Vec<_> = (0..4)
            .map(|number| {
                let owner = house.owner.at(if number % 2 == 0 { &app } else { &sibling });
                tokio::spawn(reader(owner, house.org.clone()))
            })
            .collect();
        // Calls are recorded as long as somebody reads.
        let mut recorded = 0;
        while !readers.iter().all(JoinHandle::is_finished) {
            let call = |number| house.service.at(by_turns(number, [&app, &sibling])).call(&format!("call-{number}"));
            for answer in crowd(16, (recorded..recorded + 64).map(call).collect()).await {
                answer.expect(200);
            }
            recorded += 64;
        }
        let mut different = 0;
        for reader in readers {
            let mut seen = reader.await.expect("a reader");
            seen.dedup();
            different += seen.len();
        }
        assert!(different > 8, "they were to see it move: {different}");
        assert_eq!(house.month().await, [json!(recorded), json!(0), json!(100_000), json!(100_000 - recorded)]);
    })
    .await;
}

/// Whoever recorded a call is told of no less afterwards, by the same process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_recorded_is_in_every_later_header() {
    on_free(|app| async move {
        limit(&app, 100_000).await;
        let house = House::new(&app, "acme").await;
        let check = || house.service.get("/api/v1/check-tier?service=chat");
        for number in 1..=50_u64 {
            let used = if number % 5 == 0 {
                let events = vec![json!({ "service": "chat" }); 3];
                let path = "/api/v1/usage/track/batch";
                let told = house.service.post(path).json(&json!({ "events": events })).await.expect(200);
                self::number(&told["results"][2]["used"])
            } else {
                self::number(&house.service.call(&format!("call-{number}")).await.expect(200)["used"])
            };
            let answer = check().await;
            assert_eq!(answer.header("x-api-calls-used"), Some(used.to_string().as_str()), "after call {number}");
        }
    })
    .await;
}
