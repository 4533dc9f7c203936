use billing_core::{GatewayError, ProviderInvoices};
use serde_json::json;

use crate::world::World;

async fn invoice(world: &World, customer: &str) -> String {
    world.look(customer).await.invoices[0].external.clone().unwrap()
}

#[tokio::test]
async fn a_document_is_fetched_without_the_key() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let id = invoice(&world, &customer).await;
    let pdf = world.gateway.pdf(&id).await.unwrap();
    assert!(pdf.starts_with(b"%PDF-1.4") && pdf.ends_with(b"%%EOF\n"));
    assert!(matches!(world.gateway.pdf("in_none").await, Err(GatewayError::NotFound)));
}

#[tokio::test]
async fn a_document_that_is_none_or_is_elsewhere_is_not_fetched() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let id = invoice(&world, &customer).await;
    let page = format!("{}invoice/{id}", world.stripe.url());
    for address in
        [page.as_str(), "http://127.0.0.1:9/x.pdf", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"]
    {
        world.stripe.tamper(&id, |it| it["invoice_pdf"] = json!(address));
        let answer = world.gateway.pdf(&id).await;
        assert!(matches!(answer, Err(GatewayError::Broken(_))), "{address}: {answer:?}");
    }
    world.stripe.tamper(&id, |it| it["invoice_pdf"] = json!(null));
    assert!(matches!(world.gateway.pdf(&id).await, Err(GatewayError::NotFound)));
}

#[tokio::test]
async fn an_invoice_that_failed_is_charged_again_once() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.decline(&customer, Some("insufficient_funds"));
    world.stripe.advance(std::time::Duration::from_hours(31 * 24));
    let id = invoice(&world, &customer).await;
    let declined = world.gateway.retry(&id, "1").await;
    assert!(matches!(&declined, Err(GatewayError::Declined(code)) if code == "insufficient_funds"), "{declined:?}");
    world.stripe.decline(&customer, None);
    world.gateway.retry(&id, "2").await.unwrap();
    world.gateway.retry(&id, "2").await.unwrap();
    // Paid is paid, under whatever name.
    world.gateway.retry(&id, "3").await.unwrap();
    let paid = world.stripe.all("charge").iter().filter(|charge| charge["paid"] == true).count();
    assert_eq!(paid, 2);
}

#[tokio::test]
async fn an_invoice_that_is_void_or_has_no_card_is_not_paid() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.decline(&customer, Some("lost_card"));
    world.stripe.advance(std::time::Duration::from_hours(31 * 24));
    let id = invoice(&world, &customer).await;
    let card = billing_core::PaymentMethods::list(&world.gateway, &customer).await.unwrap()[0].id.clone();
    billing_core::PaymentMethods::detach(&world.gateway, &customer, &card).await.unwrap();
    let answer = world.gateway.retry(&id, "1").await;
    assert!(matches!(&answer, Err(GatewayError::Declined(code)) if code == "payment_method_missing"), "{answer:?}");
    world.stripe.tamper(&id, |it| it["status"] = json!("void"));
    assert!(matches!(world.gateway.retry(&id, "2").await, Err(GatewayError::Refused(_))));
    assert!(matches!(world.gateway.retry("in_none", "3").await, Err(GatewayError::NotFound)));
}
