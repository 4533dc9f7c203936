use billing_core::{GatewayError, PaymentMethods};
use secrecy::ExposeSecret;

use crate::world::World;

#[tokio::test]
async fn cards_are_kept_listed_chosen_and_removed() {
    let world = World::new();
    let customer = world.customer().await;
    assert!(world.gateway.list(&customer).await.unwrap().is_empty());
    let visa = world.gateway.attach(&customer, "pm_card_visa", "1").await.unwrap();
    assert_eq!((visa.kind.as_str(), visa.brand.as_str(), visa.last4.as_str()), ("card", "visa", "4242"));
    assert_eq!((visa.exp_month, visa.exp_year, visa.country.as_deref()), (Some(12), Some(2034), Some("US")));
    assert!(!visa.is_default);
    let debit = world.gateway.attach(&customer, "pm_card_visa_debit", "2").await.unwrap();
    assert_eq!(debit.funding.as_deref(), Some("debit"));
    let chosen = world.gateway.choose(&customer, &visa.id).await.unwrap();
    assert!(chosen.is_default && chosen.id == visa.id);
    let listed = world.gateway.list(&customer).await.unwrap();
    let names: Vec<_> = listed.iter().map(|method| (method.id.clone(), method.is_default)).collect();
    assert_eq!(names, [(visa.id.clone(), true), (debit.id.clone(), false)]);
    world.gateway.detach(&customer, &visa.id).await.unwrap();
    assert_eq!(world.gateway.list(&customer).await.unwrap(), [debit]);
    let gone = world.gateway.detach(&customer, &visa.id).await;
    assert!(matches!(gone, Err(GatewayError::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn the_same_name_keeps_one_card() {
    let world = World::new();
    let customer = world.customer().await;
    let first = world.gateway.attach(&customer, "pm_card_visa", "once").await.unwrap();
    assert_eq!(world.gateway.attach(&customer, "pm_card_visa", "once").await.unwrap(), first);
    assert_eq!(world.gateway.list(&customer).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_card_that_is_declined_is_not_kept() {
    let world = World::new();
    let customer = world.customer().await;
    for (token, code) in [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
    ] {
        let answer = world.gateway.attach(&customer, token, token).await;
        assert!(matches!(&answer, Err(GatewayError::Declined(why)) if why == code), "{answer:?}");
    }
    assert!(matches!(world.gateway.attach(&customer, "pm_none", "n").await, Err(GatewayError::NotFound)));
    assert!(world.gateway.list(&customer).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_customer_s_card_is_as_good_as_none() {
    let world = World::new();
    let customer = world.customer().await;
    let other = billing_core::PaymentGateway::create_customer(&world.gateway, &world.details(), "other").await.unwrap();
    let theirs = world.gateway.attach(&other, "pm_card_visa", "1").await.unwrap().id;
    assert!(matches!(world.gateway.detach(&customer, &theirs).await, Err(GatewayError::NotFound)));
    assert!(matches!(world.gateway.choose(&customer, &theirs).await, Err(GatewayError::NotFound)));
    assert!(matches!(world.gateway.attach(&customer, &theirs, "2").await, Err(GatewayError::Refused(_))));
    assert_eq!(world.gateway.list(&other).await.unwrap().len(), 1);
    for path in ["../customers/x", "pm_1/attach", "pm_1?x=1"] {
        assert!(matches!(world.gateway.detach(&customer, path).await, Err(GatewayError::NotFound)), "{path}");
    }
}

#[tokio::test]
async fn the_card_of_checkout_is_the_default_until_another_is_chosen_and_then_not_charged() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let bought_with = world.gateway.list(&customer).await.unwrap();
    assert!(bought_with.len() == 1 && bought_with[0].is_default);
    let other = world.gateway.attach(&customer, "pm_card_mastercard", "1").await.unwrap();
    world.gateway.choose(&customer, &other.id).await.unwrap();
    assert_eq!(world.gateway.list(&customer).await.unwrap()[0].id, other.id);
    world.stripe.advance(std::time::Duration::from_hours(31 * 24));
    assert_eq!(world.stripe.all("charge")[0]["payment_method"], other.id);
}

#[tokio::test]
async fn a_browser_adds_a_card_without_its_number_coming_here() {
    let world = World::new();
    let customer = world.customer().await;
    let setup = world.gateway.setup(&customer, "setup").await.unwrap();
    assert_eq!(setup.publishable_key.as_deref(), Some("pk_test_1"));
    assert!(setup.client_secret.expose_secret().starts_with(&setup.id));
    let done = world.stripe.confirm_setup(&setup.id, "pm_card_amex").unwrap();
    let card = done["payment_method"].as_str().unwrap();
    // It is the customer's already; keeping it is no mistake.
    let kept = world.gateway.attach(&customer, card, "keep").await.unwrap();
    assert_eq!((kept.id.as_str(), kept.brand.as_str()), (card, "amex"));
}
