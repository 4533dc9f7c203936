//! MET-3: the limit is a wall.

use chrono::TimeDelta;
use kernel::Clock;
use serde_json::json;
use testkit::Backend;

use super::{House, free, limit, moment, names, on_free};
use crate::rig::service::{by_turns, crowd};
use crate::rig::{at_once, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_calls_of_two_instances_get_the_thousand_that_there_are() {
    for backend in [Backend::Sqlite, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let app = free(backend).start().await;
        limit(&app, 1000).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let call = |number| house.service.at(by_turns(number, [&app, &sibling])).call(&format!("call-{number}"));
        let answers = crowd(64, (0..5000).map(call).collect()).await;
        assert_eq!(tally(&answers), [(200, 1000), (429, 4000)]);

        // Whoever was let in was the first, the second, … the thousandth.
        let mut used = Vec::new();
        let mut let_in = Vec::new();
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            let body = answer.json();
            let number = body["used"].as_u64().expect("a number");
            assert_eq!((&body["limit"], &body["remaining"]), (&json!(1000), &json!(1000 - number)));
            assert_eq!((&body["status"], &body["duplicate"]), (&json!("tracked"), &json!(false)));
            assert_eq!(answer.header("x-api-calls-used"), Some(number.to_string().as_str()));
            used.push(number);
            let_in.push(body["event_id"].as_str().expect("a name").to_owned());
        }
        used.sort_unstable();
        assert_eq!(used, (1..=1000).collect::<Vec<u64>>());

        // And whoever was not was told why, until when, and where to get more.
        let end = moment(&house.quota().await["monthly"]["period_end"]);
        for answer in answers.iter().filter(|answer| answer.status == 429) {
            let body = answer.problem(429, "quota_exceeded");
            assert_eq!((&body["tier"], &body["quota"]), (&json!("free"), &json!("monthly")));
            assert_eq!((&body["used"], &body["limit"], &body["remaining"]), (&json!(1000), &json!(1000), &json!(0)));
            assert_eq!(moment(&body["reset_date"]), end);
            assert!(body["upgrade_url"].as_str().is_some_and(|url| !url.is_empty()), "{body}");
            let wait = answer.header("retry-after").and_then(|text| text.parse().ok()).expect("how long to wait");
            let off = app.clock.now() + TimeDelta::seconds(wait) - end;
            assert!((0..=30).contains(&off.num_seconds()), "wait {wait} s until {end}: off by {off}");
        }
        let_in.sort();
        assert_eq!(names(&house.ledger().await), let_in);
        assert_eq!(house.month().await, [json!(1000), json!(0), json!(1000), json!(0)]);
    }
}

/// T5 and T6: no call is lost, and of fifty that want the last one, one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_are_fifty_and_one_left_is_one() {
    on_free(|app| async move {
        limit(&app, 51).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let calls = |from: usize| {
            let call = |number| house.service.at(by_turns(number, [&app, &sibling])).call(&format!("call-{number}"));
            at_once((from..from + 50).map(call).collect::<Vec<_>>())
        };
        assert_eq!(tally(&calls(0).await), [(200, 50)]);
        assert_eq!(house.month().await, [json!(50), json!(0), json!(51), json!(1)]);
        assert_eq!(tally(&calls(50).await), [(200, 1), (429, 49)]);
        assert_eq!(house.month().await, [json!(51), json!(0), json!(51), json!(0)]);
        assert_eq!(house.ledger().await.len(), 51);
    })
    .await;
}
