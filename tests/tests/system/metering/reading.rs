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

/// Reads again and again; `used` never falls.
async fn reader(owner: TestUser, org: String) -> Vec<u64> {
    let mut seen = Vec::new();
    for turn in 0..SAMPLES {
        let (used, held, left, limit) = if turn % 2 == 0 {
            let month = quota(&owner, &org).await["monthly"].clone();
            (number(&month["used"]), number(&month["reserved"]), number(&month["remaining"]), number(&month["limit"]))
        } else {
            let now = owner.get(&format!("/api/v1/usage/current?org_id={org}")).await.expect(200);
            let [used, left, limit] =
                ["api_calls_used", "remaining", "api_calls_limit"].map(|field| number(&now[field]));
            (used, 0, left, limit)
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
