//! MET-9: a change of plan applies at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use plan_core::PlanPatch;
use serde_json::{Value, json};
use testkit::Answer;

use super::{House, limit, on_free};
use crate::rig::service::{Service, by_turns, grant};
use crate::rig::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smaller_plan_below_the_usage_leaves_nothing_and_no_debt() {
    on_free(|app| async move {
        limit(&app, 1000).await;
        let sibling = app.sibling().await;
        let admin = app.admin().await;
        let house = House::new(&app, "acme").await;
        grant(&admin, &house.owner.email, "professional").await;
        let two_thousand = json!({ "service": "chat", "quantity": 2000 });
        let before = house.service.track(&two_thousand).await.expect(200);
        assert_eq!((&before["used"], &before["limit"]), (&json!(2000), &json!(10_000)));

        grant(&admin, &house.owner.email, "free").await;
        for base in [&app.base, &sibling.base] {
            let refused = house.service.at(base).track(&json!({ "service": "chat" })).await;
            let body = refused.problem(429, "quota_exceeded");
            let told = ["tier", "used", "limit", "remaining"].map(|field| &body[field]);
            assert_eq!(json!(told), json!(["free", 2000, 1000, 0]));
        }
        assert_eq!(house.month().await, [json!(2000), json!(0), json!(1000), json!(0)]);
        let current = house.owner.get("/api/v1/usage/current").await.expect(200);
        let told = ["api_calls_used", "api_calls_limit", "remaining", "percentage"].map(|field| &current[field]);
        assert_eq!(json!(told), json!([2000, 1000, 0, 100]), "{current}");

        grant(&admin, &house.owner.email, "professional").await;
        for base in [&sibling.base, &app.base] {
            house.service.at(base).track(&json!({ "service": "chat" })).await.expect(200);
        }
        assert_eq!(house.month().await, [json!(2002), json!(0), json!(10_000), json!(7998)]);
    })
    .await;
}

/// An answer, and when its request was sent.
type Sent = (Instant, Answer);

/// Calls until it is told to stop.
async fn caller(service: Service, name: usize, stop: Arc<AtomicBool>, answered: Arc<AtomicUsize>) -> Vec<Sent> {
    let mut sent = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let at = Instant::now();
        sent.push((at, service.call(&format!("{name}-{}", sent.len())).await));
        answered.fetch_add(1, Ordering::SeqCst);
    }
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_begin_after_the_change_know_the_new_plan_only() {
    on_free(|app| async move {
        limit(&app, 100).await;
        app.change_plan("starter", PlanPatch { api_calls_limit: Some(100_000), ..PlanPatch::default() }).await;
        let sibling = app.sibling().await;
        let admin = app.admin().await;
        let house = House::new(&app, "acme").await;
        grant(&admin, &house.owner.email, "starter").await;
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let callers: Vec<_> = (0..16)
            .map(|name| {
                let service = house.service.at(by_turns(name, [&app, &sibling]));
                tokio::spawn(caller(service, name, stop.clone(), answered.clone()))
            })
            .collect();
        let seen = async |more: usize| {
            let goal = answered.load(Ordering::SeqCst) + more;
            let come = async || answered.load(Ordering::SeqCst) >= goal;
            until(Duration::from_secs(30), "answers", come).await
        };
        seen(150).await;
        grant(&admin, &house.owner.email, "free").await;
        let changed = Instant::now();
        seen(150).await;
        stop.store(true, Ordering::SeqCst);
        let mut admitted = 0;
        let mut refused = 0;
        for caller in callers {
            for (at, answer) in caller.await.expect("a caller") {
                if answer.status != 200 {
                    answer.problem(429, "quota_exceeded");
                    refused += 1;
                    continue;
                }
                assert!(at < changed, "admitted after the change: {}", answer.text());
                let body: Value = answer.json();
                assert!(body["used"].as_u64() <= body["limit"].as_u64(), "{body}");
                admitted += 1;
            }
        }
        assert!(admitted >= 100 && refused > 0, "{admitted} admitted, {refused} refused");
        assert_eq!(house.month().await, [json!(admitted), json!(0), json!(100), json!(0)]);
        assert_eq!(house.ledger().await.len(), admitted);
    })
    .await;
}
