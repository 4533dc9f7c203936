use billing_core::{CheckoutRequest, GatewayError, Payment, PaymentGateway, PaymentStatus};
use testkit::LagoPlan;

use super::world::{World, at};

#[tokio::test]
async fn a_plan_gives_nothing_before_it_is_paid() {
    let world = World::new();
    let customer = world.customer().await;
    let bought = world.checkout("starter").await.unwrap();
    assert_eq!(bought.id, format!("{customer}_1"));
    assert!(bought.url.starts_with(&format!("{}/pay/", world.lago.url())), "{}", bought.url);
    let before = world.subscription().await;
    assert_eq!((before.status, before.payment), (PaymentStatus::Incomplete, Payment::Unpaid));
    world.lago.pay(&customer);
    let after = world.subscription().await;
    assert_eq!((after.status, after.payment), (PaymentStatus::Active, Payment::Paid));
    assert_eq!((after.external, after.price.as_str()), (bought.id, "starter"));
    assert_eq!(after.amount.to_string(), "19.00 USD");
    assert_eq!(after.period.start, at("2030-01-01T00:00:00Z"));
    assert_eq!(after.period.end, at("2030-02-01T00:00:00Z"));
}

#[tokio::test]
async fn a_purchase_happens_once_however_often_it_is_asked_for() {
    let world = World::new();
    world.customer().await;
    let first = world.checkout("starter").await.unwrap();
    assert_eq!(world.checkout("starter").await.unwrap(), first);
    let (one, other) = tokio::join!(world.checkout("starter"), world.checkout("starter"));
    assert_eq!((one.unwrap(), other.unwrap()), (first.clone(), first));
    assert_eq!(world.lago.counts(), (1, 1, 1));
}

#[tokio::test]
async fn two_first_purchases_at_once_are_one() {
    let world = World::new();
    world.customer().await;
    let (one, other) = tokio::join!(world.checkout("starter"), world.checkout("starter"));
    assert_eq!(one.unwrap().id, other.unwrap().id);
    assert_eq!(world.lago.counts(), (1, 1, 1));
}

#[tokio::test]
async fn a_purchase_that_was_not_paid_makes_room_for_another_one() {
    let world = World::new();
    let customer = world.customer().await;
    world.checkout("professional").await.unwrap();
    let second = world.checkout("starter").await.unwrap();
    assert_eq!(second.id, format!("{customer}_2"));
    assert_eq!(world.lago.invoiced(), 1900, "the first one's invoice is void");
    world.lago.pay(&customer);
    let active: Vec<_> = world.subscriptions().await.into_iter().filter(|it| !it.status.has_ended()).collect();
    assert_eq!((active.len(), active[0].price.as_str()), (1, "starter"));
}

#[tokio::test]
async fn who_has_a_plan_does_not_buy_another_one_beside_it() {
    let world = World::new();
    world.buys("starter").await;
    assert!(matches!(world.checkout("professional").await, Err(GatewayError::Refused(_))));
    assert_eq!(world.lago.counts(), (1, 1, 1));
}

#[tokio::test]
async fn who_comes_back_buys_under_a_new_name() {
    let world = World::new();
    let first = world.buys("starter").await;
    let command = billing_core::Command::CancelNow { external: first.clone() };
    world.gateway.execute(&command, "task_3").await.unwrap();
    let second = world.checkout("starter").await.unwrap();
    assert_ne!(second.id, first);
    let all = world.subscriptions().await;
    let of = |name: &str| all.iter().find(|it| it.external == name).unwrap();
    assert_eq!(of(&first).status, PaymentStatus::Canceled);
    assert_eq!(of(&first).ended_at, Some(world.lago.now()));
    assert_eq!((of(&second.id).status, of(&second.id).payment), (PaymentStatus::Incomplete, Payment::Unpaid));
}

#[tokio::test]
async fn a_customer_who_can_pay_nowhere_gets_nothing() {
    let world = World::new();
    world.customer().await;
    world.lago.has_payment_provider(false);
    assert!(matches!(world.checkout("starter").await, Err(GatewayError::Unsupported)));
    assert_eq!(world.lago.counts(), (1, 0, 0));
}

#[tokio::test]
async fn a_plan_that_lago_does_not_know_is_refused() {
    let world = World::new();
    world.customer().await;
    assert!(matches!(world.checkout("gold").await, Err(GatewayError::Refused(why)) if why.contains("gold")));
}

#[tokio::test]
async fn a_trial_is_the_one_that_was_decided_here() {
    let world = World::new();
    let customer = world.customer().await;
    world.lago.sell(LagoPlan { trial_days: 30, ..LagoPlan::monthly("trial", 1900) });
    let request = |price: &str, trial_days| CheckoutRequest {
        customer: customer.clone(),
        price: price.to_owned(),
        success_url: String::new(),
        cancel_url: String::new(),
        trial_days,
    };
    // Nothing is to be paid yet: the page is the one for a payment method.
    let bought = world.gateway.checkout(&request("starter", 14), "task_2").await.unwrap();
    assert!(bought.url.contains("/checkout/"), "{}", bought.url);
    assert_eq!(world.lago.counts().2, 0);
    assert_eq!(world.lago.bodies().last().unwrap()["subscription"]["plan_overrides"]["trial_period"], 14.0);
    // Lago's own trial is not given to whoever was not promised one.
    let command = billing_core::Command::CancelNow { external: bought.id };
    world.gateway.execute(&command, "task_3").await.unwrap();
    world.gateway.checkout(&request("trial", 0), "task_4").await.unwrap();
    assert_eq!(world.lago.counts().2, 1);
}
