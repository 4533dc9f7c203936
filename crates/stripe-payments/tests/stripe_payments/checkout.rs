use billing_core::{GatewayError, Payment, PaymentGateway, PaymentStatus};

use crate::world::World;

#[tokio::test]
async fn what_is_bought_is_active_and_paid() {
    let world = World::new();
    let customer = world.customer().await;
    let checkout = world.open(&customer, "price_professional_yearly", "buy").await;
    assert!(checkout.url.starts_with(&world.stripe.url()));
    assert!(world.look(&customer).await.subscriptions.is_empty());
    world.stripe.complete(&checkout.id, "pm_card_visa").unwrap();
    let bought = world.subscription(&customer).await;
    assert_eq!((bought.price.as_str(), bought.amount.minor), ("price_professional_yearly", 49000));
    assert_eq!((bought.status, bought.payment), (PaymentStatus::Active, Payment::Paid));
    assert_eq!((bought.period.end - bought.period.start).num_days() / 365, 1);
}

#[tokio::test]
async fn the_same_name_opens_the_same_page() {
    let world = World::new();
    let customer = world.customer().await;
    let (first, second) = (
        world.open(&customer, "price_starter_monthly", "buy").await,
        world.open(&customer, "price_starter_monthly", "buy").await,
    );
    assert_eq!(first, second);
    assert_eq!(world.stripe.all("checkout.session").len(), 1);
    assert_eq!(world.stripe.object(&first.id)["status"], "open");
}

#[tokio::test]
async fn of_two_tabs_only_one_takes_money() {
    let world = World::new();
    let customer = world.customer().await;
    let first = world.open(&customer, "price_starter_monthly", "tab 1").await;
    let second = world.open(&customer, "price_professional_monthly", "tab 2").await;
    assert!(world.stripe.complete(&first.id, "pm_card_visa").is_err());
    world.stripe.complete(&second.id, "pm_card_visa").unwrap();
    assert_eq!(world.subscription(&customer).await.price, "price_professional_monthly");
}

#[tokio::test]
async fn a_trial_costs_nothing_until_it_ends() {
    let world = World::new();
    let customer = world.customer().await;
    let request = World::request(&customer, "price_starter_monthly", 14);
    let checkout = world.gateway.checkout(&request, "try").await.unwrap();
    world.stripe.complete(&checkout.id, "pm_card_visa").unwrap();
    let trial = world.subscription(&customer).await;
    assert_eq!((trial.status, trial.payment), (PaymentStatus::Trialing, Payment::NotRequired));
    assert_eq!(trial.trial_ends_at, Some(trial.period.end));
    world.stripe.advance(std::time::Duration::from_hours(14 * 24 + 1));
    let paid = world.subscription(&customer).await;
    assert_eq!((paid.status, paid.payment), (PaymentStatus::Active, Payment::Paid));
}

#[tokio::test]
async fn a_page_that_took_no_money_sold_nothing_however_active_it_is_called() {
    let world = World::new();
    let customer = world.customer().await;
    let checkout = world.open(&customer, "price_enterprise_monthly", "later").await;
    world.stripe.complete_unpaid(&checkout.id).unwrap();
    let unpaid = world.subscription(&customer).await;
    assert_eq!((unpaid.status, unpaid.payment), (PaymentStatus::Active, Payment::Unpaid));
    world.stripe.settle(&checkout.id, true).unwrap();
    assert_eq!(world.subscription(&customer).await.payment, Payment::Paid);
}

#[tokio::test]
async fn a_card_that_does_not_pay_buys_nothing() {
    let world = World::new();
    let customer = world.customer().await;
    let checkout = world.open(&customer, "price_starter_monthly", "buy").await;
    for card in ["pm_card_chargeDeclined", "pm_card_chargeCustomerFail"] {
        assert!(world.stripe.complete(&checkout.id, card).is_err(), "{card}");
    }
    assert!(world.look(&customer).await.subscriptions.is_empty());
}

#[tokio::test]
async fn a_price_that_is_not_sold_is_not_found() {
    let world = World::new();
    let customer = world.customer().await;
    let answer = world.gateway.checkout(&World::request(&customer, "price_none", 0), "buy").await;
    assert!(matches!(answer, Err(GatewayError::NotFound)), "{answer:?}");
}
