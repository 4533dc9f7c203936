//! MET-8: quantities are safe integers.

use serde_json::json;
use testkit::{Answer, TestApp};

use super::{House, limit, on_free};
use crate::rig::service::by_turns;
use crate::rig::{at_once, tally};

/// What is no quantity, as JSON.
const WRONG: [&str; 16] = [
    "0",
    "-1",
    "1.5",
    "1e400",
    "-1e400",
    "1e2",
    "9223372036854775808",
    "18446744073709551616",
    "1000000001",
    "\"many\"",
    "\"5\"",
    "\"+7\"",
    "true",
    "[1]",
    "{}",
    "\"1e2\"",
];

#[track_caller]
fn names_the_quantity(answer: &Answer, sent: &str) {
    let body = answer.expect(422);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{sent}");
    let errors = body["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{sent}: {body}");
    let pointer = errors[0]["pointer"].as_str().expect("a pointer");
    assert!(["/quantity", "?quantity"].contains(&pointer), "{sent}: {body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_quantity_is_named_and_counts_nothing() {
    on_free(|app| async move {
        limit(&app, 1000).await;
        let house = House::new(&app, "acme").await;
        let send = |path: &str, body: String| house.service.post(path).body("application/json", body);
        for wrong in WRONG {
            let body = format!("{{\"service\":\"chat\",\"quantity\":{wrong}}}");
            names_the_quantity(&send("/api/v1/usage/track", body.clone()).await, wrong);
            names_the_quantity(&send("/api/v1/decide", body).await, wrong);
            let settling = "/api/v1/usage/reservations/rsv_01890a5d-ac96-774b-bcce-b302099a8057/settle";
            names_the_quantity(&send(settling, format!("{{\"quantity\":{wrong}}}")).await, wrong);
        }
        for wrong in ["0", "-1", "1.5", "1e400", "9223372036854775808", "", "many", "+1", "%201"] {
            let path = format!("/api/v1/usage/track?service=chat&quantity={wrong}");
            names_the_quantity(&house.service.post(&path).await, wrong);
        }
        // What is no JSON at all is 422 too.
        for wrong in ["NaN", "Infinity", "0x10", "1_000", "01"] {
            let body = format!("{{\"service\":\"chat\",\"quantity\":{wrong}}}");
            send("/api/v1/usage/track", body).await.expect(422);
        }
        assert_eq!(house.month().await, [json!(0), json!(0), json!(1000), json!(1000)]);
        assert_eq!(house.ledger().await.len(), 0);
        assert_eq!(house.service.post("/api/v1/usage/track?service=chat&quantity=12").await.expect(200)["used"], 12);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_fit_alone_one_passes() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let seven = |number: usize| {
            let event = json!({ "service": "chat", "event_id": format!("seven-{number}"), "quantity": 7 });
            house.service.at(by_turns(number, [&app, &sibling])).track(&event)
        };
        assert_eq!(tally(&at_once((0..2).map(seven)).await), [(200, 1), (429, 1)]);
        assert_eq!(house.month().await, [json!(7), json!(0), json!(10), json!(3)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_fits_is_not_told_to_wait() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let house = House::new(&app, "acme").await;
        let track = |quantity: u64| house.service.track(&json!({ "service": "chat", "quantity": quantity }));
        track(1).await.expect(200);
        let later = track(10).await;
        let body = later.problem(429, "quota_exceeded");
        assert!(later.header("retry-after").is_some() && body["never_fits"].is_null(), "it fits next month: {body}");
        let never = track(11).await;
        let body = never.problem(429, "quota_exceeded");
        assert_eq!((never.header("retry-after"), &body["never_fits"]), (None, &json!(true)), "{body}");
        assert!(body["detail"].as_str().is_some_and(|why| why.starts_with("11 never fits")), "{body}");
        assert!(body["upgrade_url"].as_str().is_some_and(|url| !url.is_empty()), "{body}");
        assert_eq!(house.month().await, [json!(1), json!(0), json!(10), json!(9)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_quantities_add_up() {
    // Every organization is on the largest plan here.
    TestApp::each(|app| async move {
        let house = House::new(&app, "acme").await;
        let most = |number: usize| {
            let event = json!({ "service": "chat", "event_id": format!("most-{number}"), "quantity": 1_000_000_000 });
            house.service.track(&event)
        };
        for answer in at_once((0..30).map(most)).await {
            let body = answer.expect(200);
            assert_eq!((&body["limit"], &body["remaining"]), (&json!(-1), &json!(null)));
        }
        let [used, _, limit, remaining] = house.month().await;
        assert_eq!((used, limit, remaining), (json!(30_000_000_000_u64), json!(-1), json!(null)));
    })
    .await;
}
