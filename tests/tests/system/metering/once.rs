//! MET-2: exactly once per organization and event, for ever.

use std::time::Duration;

use serde_json::{Value, json};

use super::{House, limit, on_free};
use crate::rig::at_once;
use crate::rig::service::by_turns;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_copies_of_an_event_count_as_one() {
    on_free(|app| async move {
        limit(&app, 1000).await;
        let sibling = app.sibling().await;
        let (house, other) = (House::new(&app, "acme").await, House::new(&app, "other").await);
        let event = json!({
            "service": "chat", "action": "completion", "event_id": "the-one", "quantity": 3, "metadata": { "model": "large" },
        });
        let copy = |number| house.service.at(by_turns(number, [&app, &sibling])).track(&event);
        let answers = at_once((0..100).map(copy)).await;
        let bodies: Vec<Value> = answers.iter().map(|answer| answer.expect(200)).collect();
        let first: Vec<&Value> = bodies.iter().filter(|body| body["duplicate"] == false).collect();
        assert_eq!(first.len(), 1, "{first:?}");
        for body in &bodies {
            let told = ["status", "event_id", "service", "action", "org_id", "used", "remaining"].map(|key| &body[key]);
            let expected = json!(["tracked", "the-one", "chat", "completion", house.org, 3, 997]);
            assert_eq!(json!(told), expected, "{body}");
        }

        // The same name for something else is refused, whatever differs.
        for (field, value) in [
            ("quantity", json!(4)),
            ("service", json!("ops-center")),
            ("action", json!("embedding")),
            ("metadata", json!({ "model": "small" })),
            ("occurred_at", json!("2026-01-31T09:30:00Z")),
        ] {
            let mut changed = event.clone();
            changed[field] = value;
            house.service.track(&changed).await.problem(409, "event_conflict");
        }
        assert_eq!(house.month().await, [json!(3), json!(0), json!(1000), json!(997)]);

        // Another organization has names of its own; and there is no window after which a copy would count again.
        assert_eq!(other.service.track(&event).await.expect(200)["duplicate"], false);
        app.clock.advance(Duration::from_hours(24 * 40));
        let late = house.service.track(&event).await.expect(200);
        assert_eq!((&late["duplicate"], &late["used"]), (&json!(true), &json!(0)), "{late}");
        house.owner.sign_in().await;
        let ledger = house.ledger().await;
        assert_eq!(ledger.len(), 1, "{ledger:?}");
        assert_eq!((&ledger[0]["event_id"], &ledger[0]["quantity"]), (&json!("the-one"), &json!(3)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_event_takes_no_name_and_a_nameless_one_gets_its_own() {
    on_free(|app| async move {
        limit(&app, 2).await;
        let house = House::new(&app, "acme").await;
        let big = json!({ "service": "chat", "event_id": "again", "quantity": 3 });
        house.service.track(&big).await.problem(429, "quota_exceeded");
        house.service.call("again").await.expect(200);
        let made = house.service.track(&json!({ "service": "chat" })).await.expect(200);
        assert!(made["event_id"].as_str().is_some_and(|name| name.starts_with("evt_")), "{made}");
        // What is in the ledger is a duplicate, also when nothing more would fit.
        assert_eq!(house.service.call("again").await.expect(200)["duplicate"], true);
        house.service.call("third").await.problem(429, "quota_exceeded");
        for own in ["rsv_01890a5d-ac96-774b-bcce-b302099a8057", "reset_1"] {
            let refused = house.service.call(own).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], "/event_id", "{refused}");
        }
    })
    .await;
}

/// A client that repeats a request with its `Idempotency-Key` is not counted twice, whichever instance it meets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_a_request_with_a_key_count_as_one() {
    on_free(|app| async move {
        limit(&app, 1000).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let keyed = |number: usize, path: &str, body: &Value| {
            let service = house.service.at(by_turns(number, [&app, &sibling]));
            service.post(path).header("Idempotency-Key", "key-1").json(body)
        };
        let event = json!({ "service": "chat", "quantity": 3 });
        let answers = at_once((0..40).map(|number| keyed(number, "/api/v1/usage/track", &event))).await;
        let firsts = answers.iter().filter(|answer| answer.expect(200)["duplicate"] == false).count();
        let again = answers.iter().filter(|answer| answer.header("idempotent-replayed") == Some("true")).count();
        assert_eq!((firsts, again), (1, 39));
        let other = json!({ "service": "chat", "quantity": 4 });
        keyed(0, "/api/v1/usage/track", &other).await.problem(422, "idempotency_key_reused");
        let batch = json!({ "events": [event, event] });
        for answer in at_once((0..20).map(|number| keyed(number, "/api/v1/usage/track/batch", &batch))).await {
            assert_eq!(answer.expect(200)["tracked"], 2);
        }
        assert_eq!(house.month().await, [json!(9), json!(0), json!(1000), json!(991)]);
        assert_eq!(house.ledger().await.len(), 3);

        // Setting back is done once, too.
        let reset = async || {
            let path = format!("/api/v1/usage/reset-demo?org_id={}", house.org);
            house.owner.post(&path).header("Idempotency-Key", "reset-1").await
        };
        assert_eq!(reset().await.status, 200);
        house.service.track(&event).await.expect(200);
        let again = reset().await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
        assert_eq!(house.month().await[0], json!(3));
    })
    .await;
}
