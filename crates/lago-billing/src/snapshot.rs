use std::collections::BTreeMap;

use billing_core::{GatewayError, RemoteSubscription, Snapshot};
use futures_util::{StreamExt, TryStreamExt, stream};
use kernel::OrgId;

use crate::{
    client::{Call, Lago},
    invoice::{Facts, read},
    standing::{Seen, stands},
    wire::{
        CreditNote, CreditNotes, Invoice, InvoiceReply, Invoices, Listing, Payment, Payments, Plan, PlanReply,
        Subscription, SubscriptionReply, Subscriptions,
    },
};

/// What Lago gives at once, and the most that is asked for.
const PER_PAGE: &str = "100";
const MOST_PAGES: u32 = 100;
/// So many invoices are read at the same time.
const AT_ONCE: usize = 8;

/// Everything about a customer.
pub(crate) async fn snapshot(lago: &Lago, org: OrgId, customer: &str) -> Result<Snapshot, GatewayError> {
    let all = subscriptions(lago, customer).await?;
    let invoices = invoices(lago, customer).await?;
    let payments = payments(lago, customer).await?;
    let notes = credit_notes(lago, customer).await?;
    let mut plans = BTreeMap::new();
    for subscription in &all {
        if !plans.contains_key(&subscription.plan_code) {
            plans.insert(subscription.plan_code.clone(), plan(lago, &subscription.plan_code).await?);
        }
    }
    let now = lago.ambient.now();
    let known = |code: &str| plans.get(code).and_then(Option::as_ref);
    let mut remote: Vec<RemoteSubscription> = Vec::new();
    for subscription in counting(all) {
        // A trial or a price may have been agreed with this customer alone: only the subscription itself says so.
        let active = subscription.status == "active";
        let own = if active { found(lago, &subscription.external_id, "active").await? } else { None };
        let own = own.and_then(|it| it.plan).filter(|plan| plan.code == subscription.plan_code);
        let plan = own.as_ref().or_else(|| known(&subscription.plan_code));
        remote.push(stands(&Seen { subscription: &subscription, plan, invoices: &invoices, notes: &notes, now })?);
    }
    let mut made = Vec::new();
    for invoice in &invoices {
        let facts = Facts { org, payments: &payments, plans: &plans, ambient: &lago.ambient };
        made.extend(read(invoice, &facts)?);
    }
    Ok(Snapshot { subscriptions: remote, invoices: made })
}

/// One subscription of each name: a change of plan leaves the old one behind, ended, under the same name.
fn counting(all: Vec<Subscription>) -> impl Iterator<Item = Subscription> {
    let rank = |it: &Subscription| {
        let live = match it.status.as_str() {
            "active" => 3,
            "incomplete" | "pending" => 2,
            "terminated" => 1,
            _ => 0,
        };
        (live, it.started_at.unwrap_or(it.created_at))
    };
    let mut best: BTreeMap<String, Subscription> = BTreeMap::new();
    for subscription in all {
        match best.get(&subscription.external_id) {
            Some(other) if rank(other) >= rank(&subscription) => {}
            _ => drop(best.insert(subscription.external_id.clone(), subscription)),
        }
    }
    best.into_values()
}

/// All subscriptions of a customer, ended ones too.
pub(crate) async fn subscriptions(lago: &Lago, customer: &str) -> Result<Vec<Subscription>, GatewayError> {
    pages::<Subscriptions>(lago, of_every_status(Call::get(&["customers", customer, "subscriptions"]))).await
}

/// Without this Lago lists the active ones.
pub(crate) fn of_every_status(call: Call) -> Call {
    ["active", "pending", "terminated", "canceled"]
        .into_iter()
        .fold(call, |call, status| call.query("status[]", status))
}

/// All pages of a list.
pub(crate) async fn pages<L: Listing>(lago: &Lago, call: Call) -> Result<Vec<L::Item>, GatewayError> {
    let (mut all, mut page) = (Vec::new(), 1);
    loop {
        let reply: L = lago.ask(call.clone().query("page", page.to_string()).query("per_page", PER_PAGE)).await?;
        let (items, next) = reply.split();
        all.extend(items);
        match next {
            None => return Ok(all),
            Some(next) if next > page && next <= MOST_PAGES => page = next,
            Some(_) => return Err(GatewayError::broken("a list of Lago's does not end")),
        }
    }
}

/// The subscription of this name in this status, with its plan.
pub(crate) async fn found(lago: &Lago, external: &str, status: &str) -> Result<Option<Subscription>, GatewayError> {
    let call = Call::get(&["subscriptions", external]).query("status", status);
    let reply: Option<SubscriptionReply> = lago.find(call).await?;
    Ok(reply.map(|reply| reply.subscription))
}

/// A plan; `None` for one that is gone.
pub(crate) async fn plan(lago: &Lago, code: &str) -> Result<Option<Plan>, GatewayError> {
    let reply: Option<PlanReply> = lago.find(Call::get(&["plans", code])).await?;
    Ok(reply.map(|reply| reply.plan))
}

/// The newest invoices, at most 100, with everything about them, newest first.
pub(crate) async fn invoices(lago: &Lago, customer: &str) -> Result<Vec<Invoice>, GatewayError> {
    let call = Call::get(&["customers", customer, "invoices"]).query("page", "1").query("per_page", PER_PAGE);
    let listed: Invoices = lago.ask(call).await?;
    let ids = listed.invoices.into_iter().filter_map(|invoice| invoice.lago_id);
    let one = |id: String| async move { lago.ask::<InvoiceReply>(Call::get(&["invoices", &id])).await };
    let read: Vec<InvoiceReply> = stream::iter(ids.map(one)).buffered(AT_ONCE).try_collect().await?;
    let mut invoices: Vec<Invoice> = read.into_iter().map(|reply| reply.invoice).collect();
    invoices.sort_by_key(|invoice| std::cmp::Reverse(invoice.created_at));
    Ok(invoices)
}

async fn payments(lago: &Lago, customer: &str) -> Result<Vec<Payment>, GatewayError> {
    let call = Call::get(&["customers", customer, "payments"]).query("page", "1").query("per_page", PER_PAGE);
    match lago.ask::<Payments>(call).await {
        Ok(reply) => Ok(reply.payments),
        // Then an invoice says only that it was paid, and not how.
        Err(GatewayError::Unsupported) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn credit_notes(lago: &Lago, customer: &str) -> Result<Vec<CreditNote>, GatewayError> {
    let call = Call::get(&["credit_notes"])
        .query("external_customer_id", customer)
        .query("page", "1")
        .query("per_page", PER_PAGE);
    let reply: CreditNotes = lago.ask(call).await?;
    Ok(reply.credit_notes)
}
