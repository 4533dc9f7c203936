//! Money: buying plans, payment methods, invoices, and what payment providers send.

mod accept;
mod bill;
mod counter;
mod dto;
mod home;
mod invoice;
mod method;
mod names;
#[cfg(test)]
pub(super) mod tests;
mod webhook;

use actix_web::web::Data;
use billing_core::Billing;
use plan_core::{Access, Plans};

pub(super) use self::bill::Bill;
pub(super) use self::counter::Counter;
pub(super) use self::dto::change::{CancelPlan, ChangePlan};
pub(super) use self::dto::invoice::InvoiceBody;
pub(super) use self::dto::method::MethodBody;
pub(super) use self::dto::money::major;
pub(super) use self::dto::outcome::PlanChanged;
pub(super) use self::dto::preview::{PreviewBody, PreviewQuery, Wanted};
pub(super) use self::dto::subscription::{external, next_payment};
pub(super) use self::names::Names;

use self::dto::change::{CancelSubscription, UpgradeSubscription};
use self::dto::checkout::{CheckoutOpened, OpenCheckout, OpenPortal, PortalOpened};
use self::dto::subscription::SubscriptionStatusBody;
use self::home::Home;
use crate::Answer;
use crate::caller::{ManageBilling, Member};
use crate::endpoint::Endpoint;
use crate::input::{Json, OptionalJson};
use crate::problem::Problem;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    let mut rows = plans();
    rows.extend(method::endpoints());
    rows.extend(invoice::endpoints());
    rows.extend(webhook::endpoints());
    rows
}

fn plans() -> Vec<Endpoint> {
    let checkout = Endpoint::post("/api/v1/billing/subscriptions/checkout", checkout)
        .summary("Opens the payment provider's page on which a plan is bought; it is there when it is paid")
        .fails(404, "unknown_plan")
        .fails(409, "already_subscribed")
        .fails(409, "change_pending")
        .fails(409, "not_sold")
        .once();
    let portal = Endpoint::post("/api/v1/billing/portal/create", portal)
        .summary("Opens the payment provider's page on which customers look after their payment")
        .fails(404, "no_customer");
    let cancel = Endpoint::post("/api/v1/billing/subscription/cancel", cancel)
        .summary("Ends what is paid for, with its period or now")
        .once();
    let upgrade = Endpoint::post("/api/v1/billing/subscription/upgrade", upgrade)
        .summary("Changes the plan; with a quote it costs exactly what that says, or does not happen")
        .once();
    vec![
        asks_provider(checkout),
        asks_provider(portal),
        Endpoint::get("/api/v1/billing/subscription-status", status).summary("What the organization pays for"),
        cancels(cancel),
        changes(upgrade),
    ]
}

/// An operation that the payment provider is asked for.
pub(super) fn asks_provider(row: Endpoint) -> Endpoint {
    row.fails(409, "provider_unsupported").fails(409, "provider_refused").fails(502, "provider_error")
}

/// An operation that changes what is paid for.
pub(super) fn changes(row: Endpoint) -> Endpoint {
    let refused = ["quote_invalid", "quote_expired", "quote_mismatch", "quote_outdated", "no_change", "not_sold"];
    let row = refused.into_iter().fold(row, |row, code| row.fails(409, code));
    cancels(row).fails(404, "unknown_plan")
}

/// An operation that ends what is paid for.
pub(super) fn cancels(row: Endpoint) -> Endpoint {
    let row = row.fails(402, "payment_required").fails(404, "no_subscription").fails(409, "change_pending");
    asks_provider(row)
}

async fn checkout(
    billing: Data<Billing>,
    home: Home,
    by: Member<ManageBilling>,
    body: Json<OpenCheckout>,
) -> Result<Answer<CheckoutOpened>, Problem> {
    let purchase = body.0.read(&home)?;
    let opened = billing.checkout(&by.actor, by.membership.org(), &purchase).await?;
    Ok(Answer::new(opened.into()))
}

async fn portal(
    billing: Data<Billing>,
    home: Home,
    by: Member<ManageBilling>,
    body: OptionalJson<OpenPortal>,
) -> Result<Answer<PortalOpened>, Problem> {
    let back = body.0.read(&home)?;
    Ok(Answer::new(PortalOpened::new(billing.portal(by.membership.org(), &back).await?)))
}

async fn status(
    billing: Data<Billing>,
    access: Data<Access>,
    plans: Data<Plans>,
    by: Member<ManageBilling>,
) -> Result<Answer<SubscriptionStatusBody>, Problem> {
    let org = by.membership.org();
    let (status, standing) = (billing.status(org).await?, access.standing(org).await?);
    let names = Names::new(plans.catalogue().await?);
    Ok(Answer::new(SubscriptionStatusBody::new(&status.account, &standing, &names)))
}

async fn cancel(
    counter: Counter,
    by: Member<ManageBilling>,
    body: OptionalJson<CancelSubscription>,
) -> Result<PlanChanged, Problem> {
    let (named, at_period_end) = body.0.read()?;
    counter.cancel(&by, named.as_deref(), at_period_end).await
}

async fn upgrade(
    counter: Counter,
    by: Member<ManageBilling>,
    body: Json<UpgradeSubscription>,
) -> Result<PlanChanged, Problem> {
    counter.change(&by, body.0.try_into()?).await
}
