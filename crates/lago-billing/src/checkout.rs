use std::collections::BTreeSet;

use billing_core::{Checkout, CheckoutRequest, GatewayError};
use serde_json::{Value, json};

use crate::{
    client::{Call, Lago},
    snapshot::{invoices, plan, subscriptions},
    wire::{CheckoutReply, Invoice, PaymentPageReply, Subscription, SubscriptionReply},
};

/// Sells a plan, and opens the page on which it is paid.
pub(crate) async fn checkout(lago: &Lago, request: &CheckoutRequest) -> Result<Checkout, GatewayError> {
    // First what may not be there at all: a customer whom no payment provider knows can pay nowhere, and is to get nothing.
    let setup = setup_page(lago, &request.customer).await?;
    let id = purchase(lago, request).await?;
    let url = payment_page(lago, &request.customer, &id).await?.unwrap_or(setup);
    Ok(Checkout { id, url })
}

/// The payment provider's page on which a customer leaves a payment method.
async fn setup_page(lago: &Lago, customer: &str) -> Result<String, GatewayError> {
    let call = Call::act(&["customers", customer, "checkout_url"]);
    match lago.ask::<CheckoutReply>(call).await {
        Ok(reply) => reply.customer.checkout_url.ok_or(GatewayError::Unsupported),
        // Lago has no payment provider for this customer.
        Err(GatewayError::Refused(_)) => Err(GatewayError::Unsupported),
        Err(error) => Err(error),
    }
}

/// The payment provider's page on which the subscription's invoice is paid, if there is one to be paid.
async fn payment_page(lago: &Lago, customer: &str, external: &str) -> Result<Option<String>, GatewayError> {
    let open =
        invoices(lago, customer).await?.into_iter().find(|invoice| is_open(invoice) && is_for(invoice, external));
    let Some(id) = open.and_then(|invoice| invoice.lago_id) else { return Ok(None) };
    match lago.ask::<PaymentPageReply>(Call::act(&["invoices", &id, "payment_url"])).await {
        Ok(reply) => Ok(reply.invoice_payment_details.payment_url),
        Err(GatewayError::Refused(_) | GatewayError::Unsupported) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the subscription, or finds the one that an earlier try made; its name.
async fn purchase(lago: &Lago, request: &CheckoutRequest) -> Result<String, GatewayError> {
    let CheckoutRequest { customer, price, trial_days, .. } = request;
    let all = subscriptions(lago, customer).await?;
    if let Some(live) = all.iter().find(|it| matches!(it.status.as_str(), "active" | "pending" | "incomplete")) {
        if live.plan_code == *price {
            return Ok(live.external_id.clone());
        }
        abandon(lago, customer, live).await?;
    }
    let sold = plan(lago, price).await?.ok_or_else(|| GatewayError::Refused(format!("Lago has no plan {price}")))?;
    let names: BTreeSet<_> = all.iter().map(|it| it.external_id.as_str()).collect();
    let external = format!("{customer}_{}", names.len() + 1);
    let mut subscription = json!({
        "external_customer_id": customer, "plan_code": price, "external_id": external, "billing_time": "anniversary",
    });
    let trial = f64::from(*trial_days);
    if (sold.trial_period.unwrap_or_default() - trial).abs() > 0.01
        && let Value::Object(fields) = &mut subscription
    {
        // Who gets a trial is decided here: Lago would give one with every purchase.
        fields.insert("plan_overrides".to_owned(), json!({ "trial_period": trial }));
    }
    let call = Call::post(&["subscriptions"], json!({ "subscription": subscription }));
    let made: SubscriptionReply = lago.ask(call).await?;
    if made.subscription.external_id == external && made.subscription.plan_code == *price {
        Ok(external)
    } else {
        Err(GatewayError::broken("Lago answered with another subscription"))
    }
}

/// Takes back a purchase that was never paid, so that another one can be made.
async fn abandon(lago: &Lago, customer: &str, live: &Subscription) -> Result<(), GatewayError> {
    let of_it: Vec<Invoice> = invoices(lago, customer).await?;
    let of_it: Vec<&Invoice> = of_it.iter().filter(|invoice| is_for(invoice, &live.external_id)).collect();
    if of_it.iter().any(|invoice| invoice.payment_status.as_deref() == Some("succeeded")) {
        return Err(GatewayError::Refused("the customer has a subscription at Lago already".to_owned()));
    }
    // Lago refuses to void what was paid meanwhile: then the subscription stays.
    for invoice in of_it.iter().filter(|invoice| is_open(invoice)) {
        if let Some(id) = &invoice.lago_id {
            lago.tell(Call::act(&["invoices", id, "void"])).await?;
        }
    }
    let call = Call::delete(&["subscriptions", &live.external_id])
        .query("status", live.status.clone())
        .query("on_termination_credit_note", "skip")
        .query("on_termination_invoice", "skip");
    match lago.tell(call).await {
        Ok(()) | Err(GatewayError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_open(invoice: &Invoice) -> bool {
    invoice.status.as_deref() == Some("finalized")
        && invoice.payment_status.as_deref() != Some("succeeded")
        && invoice.total_amount_cents > 0
}

/// Whether an invoice is for this subscription.
pub(crate) fn is_for(invoice: &Invoice, external: &str) -> bool {
    invoice.subscriptions.iter().flatten().any(|subscription| subscription.external_id == external)
}
