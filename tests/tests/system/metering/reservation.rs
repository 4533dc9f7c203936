//! MET-7: what is held is settled, released, or runs out; nothing of it stays.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::Request;

use super::{House, METER, limit, on_free};
use crate::rig::service::{Service, by_turns};
use crate::rig::{at_once, until};

fn reserve(service: &Service, quantity: u64, seconds: u64) -> Request {
    let question = json!({ "service": "chat", "quantity": quantity, "reserve": true, "ttl_s": seconds });
    service.post("/api/v1/decide").json(&question)
}

async fn reserved(service: &Service, quantity: u64, seconds: u64) -> String {
    let verdict = reserve(service, quantity, seconds).await.expect(200);
    assert_eq!((&verdict["allow"], &verdict["reason"]), (&json!(true), &json!("allowed")), "{verdict}");
    let id = verdict["reservation_id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("rsv_"), "{id}");
    id
}

fn settle(service: &Service, id: &str, quantity: u64) -> Request {
    service.post(&format!("/api/v1/usage/reservations/{id}/settle")).json(&json!({ "quantity": quantity }))
}

fn release(service: &Service, id: &str) -> Request {
    service.delete(&format!("/api/v1/usage/reservations/{id}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_settled_or_released_or_runs_out() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let service = &house.service;
        let month = async |used: u64, reserved: u64| {
            let expected = [used, reserved, 10, 10 - used - reserved].map(Value::from);
            assert_eq!(house.month().await, expected);
        };

        // Held quantity is nobody else's.
        let first = reserved(service, 7, 60).await;
        month(0, 7).await;
        let over = service.track(&json!({ "service": "chat", "quantity": 4 })).await.problem(429, "quota_exceeded");
        assert_eq!((&over["used"], &over["remaining"]), (&json!(0), &json!(3)));
        service.track(&json!({ "service": "chat", "quantity": 3 })).await.expect(200);
        month(3, 7).await;

        // Settled with what it cost, on whichever instance; again the same is the same.
        for _ in 0..2 {
            let settled = settle(&service.at(&sibling.base), &first, 5).await.expect(200);
            let told = ["status", "reservation_id", "quantity", "used", "limit", "remaining"].map(|key| &settled[key]);
            assert_eq!(json!(told), json!(["settled", first, 5, 8, 10, 2]));
        }
        settle(service, &first, 6).await.problem(409, "reservation_ended");
        release(service, &first).await.problem(409, "reservation_ended");
        month(8, 0).await;
        let ledger = house.ledger().await;
        let row = ledger.iter().find(|row| row["event_id"] == *first).expect("a row");
        assert_eq!((&row["kind"], &row["quantity"]), (&json!("settled"), &json!(5)));

        // Released; again is the same.
        let second = reserved(service, 2, 60).await;
        month(8, 2).await;
        release(&service.at(&sibling.base), &second).await.expect(200);
        release(service, &second).await.expect(200);
        settle(service, &second, 1).await.problem(409, "reservation_ended");
        month(8, 0).await;

        // Settled with more than was held, as far as it fits.
        let third = reserved(service, 1, 60).await;
        settle(service, &third, 3).await.problem(429, "quota_exceeded");
        settle(service, &third, 2).await.expect(200);
        month(10, 0).await;

        // More than there is cannot be held.
        let refused = reserve(service, 1, 60).await.expect(200);
        assert_eq!((&refused["allow"], &refused["reason"]), (&json!(false), &json!("quota_exceeded")), "{refused}");
        assert_eq!(refused["reservation_id"], Value::Null);
        let last = refused["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
        assert_eq!((&last["check"], &last["ok"]), (&json!("org_quota"), &json!(false)));
        month(10, 0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_settles_runs_out() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let house = House::new(&app, "acme").await;
        let held = reserved(&house.service, 10, 60).await;
        house.service.call("none-left").await.problem(429, "quota_exceeded");
        app.clock.advance(Duration::from_secs(50));
        house.service.call("not-yet").await.problem(429, "quota_exceeded");
        app.clock.advance(Duration::from_secs(11));
        // At once, whenever the rows are cleared away.
        assert_eq!(house.month().await, [json!(0), json!(0), json!(10), json!(10)]);
        let all = json!({ "service": "chat", "quantity": 10 });
        house.service.track(&all).await.expect(200);
        settle(&house.service, &held, 1).await.problem(409, "reservation_ended");
        assert_eq!(house.month().await, [json!(10), json!(0), json!(10), json!(0)]);
    })
    .await;
}

/// A thousand holders hang up before they are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_that_hang_up_leave_nothing_held() {
    on_free(|app| async move {
        limit(&app, 1_000_000).await;
        let house = House::new(&app, "acme").await;
        for round in 0..25_u64 {
            let running: Vec<_> = (0..40).map(|_| tokio::spawn(reserve(&house.service, 3, 60).attempt())).collect();
            tokio::time::sleep(Duration::from_millis(3 * (round % 5))).await;
            running.iter().for_each(tokio::task::JoinHandle::abort);
        }
        // One that was under way may yet be held; it runs out as well. The clock moves only then: the house's own session must last.
        let free = async || {
            let free = house.month().await == [json!(0), json!(0), json!(1_000_000), json!(1_000_000)];
            if !free {
                app.clock.advance(Duration::from_secs(61));
            }
            free
        };
        until(Duration::from_secs(8), "nothing is held", free).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_at_once_get_what_there_is_and_settle_once() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "acme").await;
        let place = |number| house.service.at(by_turns(number, [&app, &sibling]));
        let answers = at_once((0..32).map(|number| reserve(&place(number), 1, 60))).await;
        let ids: Vec<String> = answers
            .iter()
            .filter_map(|answer| answer.expect(200)["reservation_id"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(ids.len(), 10);
        assert_eq!(house.month().await, [json!(0), json!(10), json!(10), json!(0)]);
        // Everybody settles twice at once.
        let twice = ids.iter().chain(&ids).enumerate();
        for answer in at_once(twice.map(|(number, id)| settle(&place(number), id, 1))).await {
            answer.expect(200);
        }
        assert_eq!(house.month().await, [json!(10), json!(0), json!(10), json!(0)]);
        assert_eq!(house.ledger().await.len(), 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_hold_does_not_exist() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let (house, other) = (House::new(&app, "acme").await, House::new(&app, "other").await);
        let held = reserved(&house.service, 4, 60).await;
        let nobodys = "rsv_01890a5d-ac96-774b-bcce-b302099a8057";
        for id in [held.as_str(), nobodys, "rsv_", "1"] {
            settle(&other.service, id, 1).await.problem(404, "not_found");
            release(&other.service, id).await.problem(404, "not_found");
        }
        assert_eq!(house.month().await, [json!(0), json!(4), json!(10), json!(6)]);
        // Asking reads, holding writes.
        let reader = Service::of(&house.owner, &house.org, &METER[1..]).await;
        reserve(&reader, 1, 60).await.problem(403, "insufficient_scope");
        settle(&reader, &held, 1).await.problem(403, "insufficient_scope");
        release(&reader, &held).await.problem(403, "insufficient_scope");
        reader.post("/api/v1/decide").json(&json!({ "service": "chat" })).await.expect(200);
        assert_eq!(house.month().await, [json!(0), json!(4), json!(10), json!(6)]);
    })
    .await;
}
