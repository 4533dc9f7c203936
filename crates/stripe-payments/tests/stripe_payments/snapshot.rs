use std::time::Duration;

use billing_core::{GatewayError, InvoiceStatus, Payment, PaymentGateway, PaymentStatus};
use serde_json::json;

use crate::world::World;

const MONTH: Duration = Duration::from_hours(31 * 24);

#[tokio::test]
async fn a_customer_without_anything_is_seen_as_such() {
    let world = World::new();
    let customer = world.customer().await;
    let seen = world.look(&customer).await;
    assert!(seen.subscriptions.is_empty() && seen.invoices.is_empty());
    let nobody = world.gateway.snapshot(world.org, "cus_nobody").await;
    assert!(matches!(nobody, Err(GatewayError::NotFound)), "{nobody:?}");
}

#[tokio::test]
async fn a_renewal_is_seen_with_its_invoice() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let before = world.subscription(&customer).await;
    world.stripe.advance(MONTH);
    let seen = world.look(&customer).await;
    let after = &seen.subscriptions[0];
    assert_eq!((after.period.start, after.payment), (before.period.end, Payment::Paid));
    assert_eq!(seen.invoices.len(), 2);
    let newest = &seen.invoices[0];
    assert_eq!((newest.status, newest.total.minor, newest.subtotal_minor), (InvoiceStatus::Paid, 1900, 1900));
    assert_eq!(newest.period, Some(after.period));
    assert_eq!((newest.lines.len(), newest.lines[0].amount_minor), (1, 1900));
    assert_eq!((newest.payments.len(), newest.payments[0].method.as_str()), (1, "card visa 4242"));
    assert_eq!(newest.customer, ("Acme".to_owned(), "ada@example.com".to_owned()));
    assert!(newest.number.is_some() && newest.paid_at.is_some() && newest.hosted_url.is_some());
    // Another look sees the same, but for our own names, which the store settles.
    let mut again = world.look(&customer).await;
    for (invoice, first) in again.invoices.iter_mut().zip(&seen.invoices) {
        invoice.id = first.id;
    }
    assert_eq!(again, seen);
}

#[tokio::test]
async fn a_card_that_stops_paying_is_past_due_then_unpaid_then_paid_again() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.decline(&customer, Some("insufficient_funds"));
    world.stripe.advance(MONTH);
    let late = world.look(&customer).await;
    assert_eq!(
        (late.subscriptions[0].status, late.subscriptions[0].payment),
        (PaymentStatus::PastDue, Payment::Unpaid)
    );
    assert_eq!(late.invoices[0].status, InvoiceStatus::Failed);
    world.stripe.advance(Duration::from_hours(10 * 24));
    assert_eq!(world.subscription(&customer).await.status, PaymentStatus::Unpaid);
    world.stripe.decline(&customer, None);
    let invoice = world.look(&customer).await.invoices[0].external.clone().unwrap();
    billing_core::ProviderInvoices::retry(&world.gateway, &invoice, "again").await.unwrap();
    let paid = world.subscription(&customer).await;
    assert_eq!((paid.status, paid.payment), (PaymentStatus::Active, Payment::Paid));
}

#[tokio::test]
async fn money_that_went_back_does_not_count() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.refund(&customer).unwrap();
    assert_eq!(world.subscription(&customer).await.payment, Payment::Refunded);
}

#[tokio::test]
async fn money_that_is_fought_over_does_not_count_until_it_is_won() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let dispute = world.stripe.dispute(&customer).unwrap();
    assert_eq!(world.subscription(&customer).await.payment, Payment::Disputed);
    let id = dispute["id"].as_str().unwrap();
    world.stripe.close_dispute(id, "won").unwrap();
    assert_eq!(world.subscription(&customer).await.payment, Payment::Paid);
    world.stripe.close_dispute(id, "lost").unwrap();
    assert_eq!(world.subscription(&customer).await.payment, Payment::Disputed);
}

#[tokio::test]
async fn a_payment_that_lies_far_back_is_looked_for() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.refund(&customer).unwrap();
    // Of more than a hundred charges the list shows the newest hundred: the one that counts is not among them.
    let charge = world.stripe.all("charge")[0]["id"].as_str().unwrap().to_owned();
    world.stripe.tamper(&charge, |it| it["customer"] = json!("cus_elsewhere"));
    assert_eq!(world.subscription(&customer).await.payment, Payment::Refunded);
}

#[tokio::test]
async fn a_change_at_the_portal_is_seen_by_its_price_whatever_metadata_says() {
    let world = World::new();
    let customer = world.buyer("price_enterprise_monthly").await;
    let external = world.subscription(&customer).await.external;
    world.stripe.tamper(&external, |it| it["metadata"] = json!({"tier": "enterprise", "org_id": "org_other"}));
    world.stripe.change_at_portal(&external, "price_starter_monthly").unwrap();
    let seen = world.subscription(&customer).await;
    assert_eq!((seen.price.as_str(), seen.amount.minor, seen.payment), ("price_starter_monthly", 1900, Payment::Paid));
}

#[tokio::test]
async fn an_end_is_seen_before_and_after() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let external = world.subscription(&customer).await.external;
    world.stripe.cancel_at_portal(&external, true).unwrap();
    assert!(world.subscription(&customer).await.cancel_at_period_end);
    world.stripe.advance(MONTH);
    let ended = world.subscription(&customer).await;
    assert_eq!((ended.status, ended.ended_at), (PaymentStatus::Canceled, Some(ended.period.end)));
}

#[tokio::test]
async fn amounts_of_other_currencies_keep_them() {
    let world = World::new();
    let customer = world.buyer("price_yen").await;
    let seen = world.look(&customer).await;
    assert_eq!(seen.subscriptions[0].amount.to_string(), "1900 JPY");
    assert_eq!(seen.invoices[0].total.to_string(), "1900 JPY");
}

#[tokio::test]
async fn newer_shapes_are_read_as_far_as_they_go() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let external = world.subscription(&customer).await.external;
    let invoice = world.look(&customer).await.invoices[0].external.clone().unwrap();
    world.stripe.tamper(&external, |it| {
        it["billing_mode"] = json!({"type": "telepathic", "since": [1, 2]});
        it["default_payment_method"] = json!({"object": "wallet", "id": "wal_1"});
        it["status"] = json!("hibernating");
    });
    world.stripe.tamper(&invoice, |it| {
        it["due_date"] = json!("2031-01-01");
        it["total_taxes"] = json!("none");
        it["collection_method"] = json!({"kind": "barter"});
    });
    let seen = world.look(&customer).await;
    assert_eq!(seen.subscriptions[0].status, PaymentStatus::Incomplete);
    assert_eq!((seen.invoices[0].status, seen.invoices[0].due_at), (InvoiceStatus::Paid, None));
}

#[tokio::test]
async fn many_subscriptions_fill_more_than_a_page() {
    let world = World::new();
    let customer = world.customer().await;
    for n in 0..103 {
        let checkout = world.open(&customer, "price_starter_monthly", &format!("buy {n}")).await;
        world.stripe.complete(&checkout.id, "pm_card_visa").unwrap();
    }
    let seen = world.look(&customer).await;
    assert_eq!((seen.subscriptions.len(), seen.invoices.len()), (103, 100));
}

#[tokio::test]
async fn an_invoice_with_many_lines_is_read_to_its_end() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let id = world.stripe.all("invoice")[0]["id"].as_str().unwrap().to_owned();
    world.stripe.tamper(&id, |it| {
        let line = it["lines"]["data"][0].clone();
        it["lines"]["data"] = json!(vec![line; 30]);
        it["lines"]["has_more"] = json!(true);
    });
    assert_eq!(world.look(&customer).await.invoices[0].lines.len(), 30);
    assert!(world.stripe.calls().iter().any(|call| call.path.ends_with("/lines") && call.params == "limit=100"));
}
