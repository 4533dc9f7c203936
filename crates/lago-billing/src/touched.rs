use std::collections::BTreeSet;

use billing_core::GatewayError;
use chrono::TimeDelta;
use kernel::Timestamp;

use crate::{
    client::{Call, Lago},
    snapshot::{of_every_status, pages},
    wire::{Invoices, Subscription, Subscriptions},
};

/// An invoice that is older than this is not paid any more, or nobody waits for it.
const INVOICE_LIFE: TimeDelta = TimeDelta::days(90);

/// The customers of invoices and subscriptions that changed since then. Lago keeps no list of events, so both lists are read.
pub(crate) async fn touched(lago: &Lago, since: Timestamp) -> Result<Vec<String>, GatewayError> {
    let mut names = BTreeSet::new();
    let from = since.checked_sub_signed(INVOICE_LIFE).unwrap_or(since).format("%Y-%m-%d").to_string();
    let recent = Call::get(&["invoices"]).query("issuing_date_from", from);
    for invoice in pages::<Invoices>(lago, recent).await? {
        if invoice.updated_at.or(invoice.created_at).is_none_or(|at| at >= since) {
            names.extend(invoice.customer.map(|customer| customer.external_id));
        }
    }
    for subscription in pages::<Subscriptions>(lago, of_every_status(Call::get(&["subscriptions"]))).await? {
        if changed(&subscription) >= since {
            names.insert(subscription.external_customer_id);
        }
    }
    Ok(names.into_iter().collect())
}

/// When something last happened to a subscription that Lago says the time of.
fn changed(subscription: &Subscription) -> Timestamp {
    let Subscription { created_at, canceled_at, started_at, terminated_at, trial_ended_at, .. } = subscription;
    let period = subscription.current_billing_period_started_at;
    let moments = [*canceled_at, *started_at, *terminated_at, *trial_ended_at, period];
    moments.into_iter().flatten().chain([*created_at]).max().unwrap_or(*created_at)
}
