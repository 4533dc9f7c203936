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
