use billing_core::PaymentGateway;
use chrono::TimeDelta;
use stripe_payments::webhook;
use testkit::StripeShape;

use crate::world::World;

#[tokio::test]
async fn who_was_touched_is_found_though_no_event_ever_came() {
    let world = World::new();
    world.stripe.lose_every(1);
    let customer = world.buyer("price_starter_monthly").await;
    let quiet = world.gateway.create_customer(&world.details(), "quiet").await.unwrap();
    assert!(world.stripe.events().is_empty());
    let since = world.stripe.now() - TimeDelta::hours(72);
    let touched = world.gateway.touched(since).await.unwrap();
    assert_eq!(touched.as_slice(), std::slice::from_ref(&customer), "{quiet} bought nothing");
    world.stripe.advance(std::time::Duration::from_hours(80));
    assert!(world.gateway.touched(world.stripe.now() - TimeDelta::hours(72)).await.unwrap().is_empty());
    // An event about a dispute names what was charged and nobody else.
    world.stripe.dispute(&customer).unwrap();
    let touched = world.gateway.touched(world.stripe.now() - TimeDelta::hours(1)).await.unwrap();
    assert_eq!(touched, [customer]);
}

#[tokio::test]
async fn whom_a_dispute_is_about_can_be_asked() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.take_events();
    world.stripe.dispute(&customer).unwrap();
    let events = world.stripe.take_events();
    let event = events.iter().find(|event| event.kind == "charge.dispute.created").unwrap();
    assert_eq!(webhook::read(&event.body).customer, None);
    assert_eq!(world.gateway.customer_of(&event.body).await.unwrap(), Some(customer));
    assert_eq!(world.gateway.customer_of(b"no JSON").await.unwrap(), None);
    assert_eq!(world.gateway.customer_of(br#"{"data":{"object":{"charge":"ch_none"}}}"#).await.unwrap(), None);
}

#[tokio::test]
async fn events_of_both_shapes_are_proved_and_read() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.shape(StripeShape::Older);
    world.stripe.advance(std::time::Duration::from_hours(31 * 24));
    let (secret, now) = ([world.stripe.webhook_secret().into()], kernel::Clock::now(&kernel::SystemClock));
    let events = world.stripe.take_events();
    assert!(events.len() > 10, "{events:?}");
    for event in &events {
        let header = world.stripe.sign(&event.body);
        assert_eq!(webhook::verify(&secret, &header, &event.body, now, webhook::TOLERANCE), Ok(()));
        let parts = webhook::read(&event.body);
        assert_eq!((&parts.id, &parts.kind, parts.livemode), (&event.id, &event.kind, Some(false)));
        assert_eq!(parts.customer.as_ref(), Some(&customer), "{}", event.kind);
    }
    let text: Vec<_> = events.iter().map(|event| String::from_utf8_lossy(&event.body).into_owned()).collect();
    assert!(text.iter().any(|body| body.contains("2024-06-20")) && text.iter().any(|body| body.contains("2026-09-30")));
}

#[tokio::test]
async fn more_events_than_a_page_are_all_read() {
    let world = World::new();
    let mut buyers = Vec::new();
    for n in 0..30 {
        let customer = world.gateway.create_customer(&world.details(), &format!("c{n}")).await.unwrap();
        let checkout = world.open(&customer, "price_starter_monthly", &format!("b{n}")).await;
        world.stripe.complete(&checkout.id, "pm_card_visa").unwrap();
        buyers.push(customer);
    }
    buyers.sort();
    assert_eq!(world.gateway.touched(world.stripe.now() - TimeDelta::hours(72)).await.unwrap(), buyers);
    let pages = world.stripe.calls().iter().filter(|call| call.path == "/v1/events").count();
    assert!(pages > 1, "{pages}");
}
