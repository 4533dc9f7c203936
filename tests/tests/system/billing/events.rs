//! WH-2 to WH-7: events take effect once, in any order, from any process; none is believed; what did not come is found.
use std::time::Duration;

use serde_json::json;
use testkit::{Backend, StripeEvent, StripeShape};

use super::{House, WEBHOOK, a_stripe, inbox, sending, settled, with_stripe};
use crate::rig::{at_once, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_copies_at_two_processes_take_effect_once() {
    for backend in Backend::ALL {
        println!("on {backend}:");
        let stripe = a_stripe();
        let app = with_stripe(backend, &stripe).await;
        let sibling = app.sibling().await;
        let house = House::new(&app, "ada").await;
        let opened = house.checkout("starter").await.expect(200);
        stripe.complete(opened["session_id"].as_str().expect("an id"), "pm_card_visa").expect("it is paid");
        let events = stripe.take_events();
        let all = events
            .iter()
            .flat_map(|event| (0..10).map(|copy| sending(if copy % 2 == 0 { &app } else { &sibling }, &stripe, event)));
        let answers = at_once(all).await;
        assert_eq!(tally(&answers), [(200, events.len() * 10)]);
        let new = answers.iter().filter(|answer| answer.json()["status"] == "received").count();
        assert_eq!(new, events.len(), "each is received once");
        house.comes_to("starter", "active").await;
        settled(&app).await;
        assert_eq!(house.invoices().await.len(), 1);
        let kept: i64 = inbox(&app).await.iter().map(|(_, count)| count).sum();
        assert_eq!(usize::try_from(kept).expect("a count"), events.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_and_both_shapes_end_in_the_same() {
    for (backend, shape) in Backend::ALL.into_iter().zip([StripeShape::Newer, StripeShape::Older].into_iter().cycle()) {
        println!("on {backend}:");
        let stripe = a_stripe();
        stripe.shape(shape);
        let app = with_stripe(backend, &stripe).await;
        let house = House::new(&app, "ada").await;
        house.buys(&stripe, "starter").await;
        let subscription = house.subscription(&stripe);
        stripe.change_at_portal(&subscription, "price_enterprise_monthly").expect("changed");
        stripe.change_at_portal(&subscription, "price_professional_monthly").expect("changed");
        stripe.cancel_at_portal(&subscription, true).expect("it will end");
        let events: Vec<StripeEvent> = stripe.take_events();
        assert!(events.len() >= 3, "{events:?}");
        for event in events.iter().rev().chain(&events) {
            sending(&app, &stripe, event).await.expect(200);
        }
        settled(&app).await;
        house.comes_to("professional", "active").await;
        assert_eq!(house.access().await["cancel_at_period_end"], true);
        assert!(inbox(&app).await.iter().all(|(state, _)| state == "done" || state == "ignored"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plan_follows_money_and_price_and_never_what_is_said() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    // A page that was not paid.
    let house = House::new(&app, "slow").await;
    let opened = house.checkout("starter").await.expect(200);
    let session = opened["session_id"].as_str().expect("an id");
    stripe.complete_unpaid(session).expect("completed");
    stripe.deliver();
    settled(&app).await;
    assert_eq!(house.access().await["tier"], "free", "not paid yet");
    stripe.settle(session, true).expect("the money came");
    stripe.deliver();
    house.comes_to("starter", "active").await;
    // Metadata says another plan and another organization.
    let (victim, liar) = (House::new(&app, "victim").await, House::new(&app, "liar").await);
    liar.buys(&stripe, "starter").await;
    let subscription = liar.subscription(&stripe);
    let lie = json!({"org_id": victim.org, "tier": "enterprise", "plan_code": "enterprise"});
    stripe.tamper(&subscription, |it| it["metadata"] = lie.clone());
    stripe.tamper(&liar.customer(&stripe), |it| it["metadata"] = lie);
    stripe.change_at_portal(&subscription, "price_professional_monthly").expect("changed");
    stripe.deliver();
    liar.comes_to("professional", "active").await;
    assert_eq!(victim.access().await["tier"], "free");
    // Money that went back.
    let customer = House::customer;
    let other = House::new(&app, "back").await;
    other.buys(&stripe, "starter").await;
    stripe.refund(&customer(&other, &stripe)).expect("given back");
    stripe.deliver();
    other.comes_to("free", "unpaid").await;
    let third = House::new(&app, "taken").await;
    third.buys(&stripe, "starter").await;
    stripe.dispute(&customer(&third, &stripe)).expect("disputed");
    stripe.deliver();
    third.comes_to("free", "unpaid").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_knows_is_kept_and_answered_and_blocks_nothing() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let house = House::new(&app, "ada").await;
    let strange = [
        json!({"id": "evt_type", "type": "moon.landed", "data": {"object": {"customer": "cus_nobody"}}}),
        json!({"id": "evt_shape", "type": "invoice.paid", "data": {"object": ["new", {"shape": 7}]}}),
        json!({"id": "evt_no_object", "type": "customer.subscription.updated"}),
    ];
    for event in &strange {
        let body = event.to_string().into_bytes();
        let event = StripeEvent { id: String::new(), kind: String::new(), body };
        assert_eq!(sending(&app, &stripe, &event).await.expect(200)["status"], "received");
    }
    house.buys(&stripe, "starter").await;
    settled(&app).await;
    let of =
        |wanted: &str, all: Vec<(String, i64)>| all.into_iter().find(|(state, _)| state == wanted).map_or(0, |it| it.1);
    assert!(of("ignored", inbox(&app).await) >= 3);
    assert_eq!(of("dead", inbox(&app).await), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_came_is_found() {
    let mut stripe = a_stripe();
    // Nothing is sent at all.
    stripe.lose_every(1);
    stripe.deliver_always();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let house = House::new(&app, "ada").await;
    let opened = house.checkout("starter").await.expect(200);
    stripe.complete(opened["session_id"].as_str().expect("an id"), "pm_card_visa").expect("it is paid");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(house.access().await["tier"], "free");
    assert!(inbox(&app).await.is_empty(), "{WEBHOOK} was not called");
    let pass = app.run(|services| async move { services.billing.reconcile(None, 100).await });
    let pass = pass.await.expect("compared");
    assert_eq!((pass.drift.len(), pass.failed.len()), (1, 0));
    house.comes_to("starter", "active").await;
    let again = app.run(|services| async move { services.billing.reconcile(None, 100).await }).await.expect("compared");
    assert!(again.drift.is_empty(), "{again:?}");
}
