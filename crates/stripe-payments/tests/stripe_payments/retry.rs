use std::time::Duration;

use billing_core::{GatewayError, PaymentGateway};
use testkit::StripeFault;
use tokio::time::Instant;

use crate::world::{World, options};

const CUSTOMERS: &str = "POST /v1/customers";

#[tokio::test]
async fn what_passes_is_tried_again_under_the_same_name() {
    for fault in [
        StripeFault::Refused(429, None),
        StripeFault::Refused(409, None),
        StripeFault::Refused(503, None),
        StripeFault::Refused(400, Some(true)),
        StripeFault::LostAnswer,
    ] {
        let world = World::new();
        world.stripe.fail(CUSTOMERS, [fault; 3]);
        let customer = world.gateway.create_customer(&world.details(), "once").await.unwrap();
        assert_eq!(world.stripe.all("customer").len(), 1, "{fault:?}");
        assert_eq!(world.stripe.all("customer")[0]["id"], customer);
        let (came, done) = world.stripe.calls_by_key()["once"];
        assert_eq!((came, done), (4, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn after_three_retries_it_is_given_up_for_now() {
    let world = World::new();
    world.stripe.fail(CUSTOMERS, [StripeFault::Refused(429, None); 4]);
    let answer = world.gateway.create_customer(&world.details(), "once").await;
    assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{answer:?}");
    assert_eq!(world.stripe.calls().len(), 4);
    world.gateway.create_customer(&world.details(), "once").await.unwrap();
    assert_eq!(world.stripe.all("customer").len(), 1);
}

#[tokio::test]
async fn stripe_s_no_is_obeyed() {
    let world = World::new();
    world.stripe.fail(CUSTOMERS, [StripeFault::Refused(500, Some(false))]);
    let answer = world.gateway.create_customer(&world.details(), "once").await;
    assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{answer:?}");
    assert_eq!(world.stripe.calls().len(), 1);
}

#[tokio::test]
async fn a_500_that_is_said_again_under_the_same_name_makes_no_second_customer() {
    let world = World::new();
    world.stripe.fail(CUSTOMERS, [StripeFault::Crashed]);
    for _ in 0..5 {
        let answer = world.gateway.create_customer(&world.details(), "once").await;
        assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{answer:?}");
    }
    assert!(world.stripe.all("customer").is_empty());
    world.gateway.create_customer(&world.details(), "another").await.unwrap();
    assert_eq!(world.stripe.all("customer").len(), 1);
}

#[tokio::test]
async fn a_name_that_was_given_to_something_else_is_our_mistake() {
    let world = World::new();
    let customer = world.customer().await;
    world.open(&customer, "price_starter_monthly", "name").await;
    let answer = world.gateway.checkout(&World::request(&customer, "price_professional_monthly", 0), "name").await;
    assert!(matches!(answer, Err(GatewayError::Broken(_))), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_was_lost_charges_once() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let (command, due) = world.change_now(&customer, "price_professional_monthly", world.stripe.now()).await;
    world.stripe.fail("POST /v1/subscriptions", [StripeFault::LostAnswer]);
    world.gateway.execute(&command, "task").await.unwrap();
    assert_eq!(world.stripe.all("charge").len(), 2);
    assert_eq!(world.look(&customer).await.invoices[0].total.minor, due);
    // Lost to the last try: whoever comes later finds that it has happened.
    let (command, _) = world.change_now(&customer, "price_enterprise_monthly", world.stripe.now()).await;
    world.stripe.fail("POST /v1/subscriptions", [StripeFault::LostAnswer; 4]);
    assert!(matches!(world.gateway.execute(&command, "task 2").await, Err(GatewayError::Unavailable(_))));
    world.gateway.execute(&command, "task 2").await.unwrap();
    assert_eq!(world.stripe.all("charge").len(), 3);
}

#[tokio::test]
async fn silence_ends_when_the_call_s_time_is_over() {
    let world = World::with(|options| options.call_timeout = Duration::from_millis(300));
    world.stripe.fail(CUSTOMERS, [StripeFault::Silence]);
    let began = Instant::now();
    let answer = world.gateway.create_customer(&world.details(), "once").await;
    assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{answer:?}");
    assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_reached() {
    let world = World::new();
    let mut gone = options(&world.stripe);
    gone.base_url = Some("http://127.0.0.1:9".to_owned());
    let gateway = stripe_payments::StripeGateway::new(gone, kernel::Ambient::system()).unwrap();
    let answer = gateway.create_customer(&world.details(), "once").await;
    assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn no_more_than_so_many_are_sent_in_a_second() {
    let world = World::with(|options| options.per_second = 20);
    let customer = world.customer().await;
    let began = Instant::now();
    for _ in 0..30 {
        world.gateway.portal(&customer, "https://console.example/").await.unwrap();
    }
    // Two for the customer and eighteen went at once; twelve waited for a twentieth of a second each.
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_more_than_so_many_are_on_their_way() {
    let world = World::with(|options| {
        options.in_flight = 2;
        options.call_timeout = Duration::from_millis(700);
        options.retries = 0;
    });
    world.stripe.fail(CUSTOMERS, [StripeFault::Silence; 2]);
    let details = world.details();
    let ask = |once: &'static str| world.gateway.create_customer(&details, once);
    let (one, two, three) = tokio::join!(ask("1"), ask("2"), ask("3"));
    assert!(one.is_err() && two.is_err(), "{one:?} {two:?}");
    // The third waited for a place until its own time was over, or got one when the others gave up.
    let came = world.stripe.calls().iter().filter(|call| call.key.as_deref() == Some("3")).count();
    assert_eq!(came == 0, three.is_err(), "{three:?}");
}
