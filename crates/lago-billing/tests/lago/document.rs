use billing_core::{GatewayError, InvoiceStatus, ProviderInvoices};

use super::world::World;

#[tokio::test]
async fn a_document_is_fetched_without_showing_the_key() {
    let world = World::new();
    world.buys("starter").await;
    let external = world.invoices().await[0].external.clone().unwrap();
    // The fake refuses whoever shows a key where files are kept.
    assert!(world.gateway.pdf(&external).await.unwrap().starts_with(b"%PDF-"));
    world.lago.makes_documents(false);
    assert!(matches!(world.gateway.pdf(&external).await, Err(GatewayError::NotFound)));
    assert!(matches!(world.gateway.pdf("../customers").await, Err(GatewayError::NotFound)));
}

#[tokio::test]
async fn a_payment_is_tried_again_unless_it_was_made() {
    let world = World::new();
    let customer = world.customer().await;
    world.checkout("starter").await.unwrap();
    world.lago.decline(&customer);
    let external = world.invoices().await[0].external.clone().unwrap();
    world.gateway.retry(&external, "task_5").await.unwrap();
    assert_eq!(world.invoices().await[0].status, InvoiceStatus::Open);
    world.lago.pay(&customer);
    world.lago.take();
    world.gateway.retry(&external, "task_6").await.unwrap();
    assert!(!world.lago.take().iter().any(|line| line.ends_with("retry_payment")), "it is paid");
    assert!(matches!(world.gateway.retry("unknown", "task_7").await, Err(GatewayError::NotFound)));
}
