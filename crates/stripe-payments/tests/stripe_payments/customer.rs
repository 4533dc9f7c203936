use billing_core::{CustomerDetails, GatewayError, PaymentGateway, PaymentProvider};

use crate::world::World;

#[tokio::test]
async fn a_customer_is_made_once_and_named_each_time() {
    let world = World::new();
    let first = world.gateway.create_customer(&world.details(), "once").await.unwrap();
    // The organization was renamed before the second try: it is the same customer still.
    let renamed = CustomerDetails { name: "Acme & Söhne".to_owned(), ..world.details() };
    let second = world.gateway.create_customer(&renamed, "once").await.unwrap();
    assert_eq!(first, second);
    let kept = world.stripe.object(&first);
    assert_eq!((kept["name"].as_str(), kept["email"].as_str()), (Some("Acme & Söhne"), Some("ada@example.com")));
    assert_eq!(kept["metadata"]["org_id"], world.org.to_string());
    assert_eq!(world.stripe.all("customer").len(), 1);
    assert_eq!(world.stripe.calls_by_key()["once"], (2, 1));
}

#[tokio::test]
async fn the_portal_is_opened_for_a_customer_and_for_nobody_else() {
    let world = World::new();
    let customer = world.customer().await;
    let url = world.gateway.portal(&customer, "https://console.example/billing").await.unwrap();
    assert!(url.starts_with(&world.stripe.url()), "{url}");
    let nobody = world.gateway.portal("cus_nobody", "https://console.example/").await;
    assert!(matches!(nobody, Err(GatewayError::NotFound)), "{nobody:?}");
    let path = world.gateway.portal("../invoices", "https://console.example/").await;
    assert!(matches!(path, Err(GatewayError::NotFound)), "{path:?}");
}

#[tokio::test]
async fn it_says_who_it_is() {
    let world = World::new();
    let (provider, can) = world.gateway.provider();
    assert_eq!(provider, PaymentProvider::Stripe);
    assert!(can.checkout && can.portal && can.payment_methods && can.retry && !world.gateway.is_live());
}

#[tokio::test]
async fn another_key_is_our_mistake_and_no_refusal() {
    let world = World::with(|options| options.secret_key = "sk_test_other".into());
    let answer = world.gateway.create_customer(&world.details(), "once").await;
    assert!(matches!(answer, Err(GatewayError::Broken(_))), "{answer:?}");
    assert_eq!(world.stripe.calls().len(), 1);
}

#[tokio::test]
async fn real_money_is_not_taken_for_test_money() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let id = world.stripe.all("subscription")[0]["id"].as_str().unwrap().to_owned();
    world.stripe.tamper(&id, |it| it["livemode"] = true.into());
    let answer = world.gateway.snapshot(world.org, &customer).await;
    assert!(matches!(answer, Err(GatewayError::Broken(_))), "{answer:?}");
}
