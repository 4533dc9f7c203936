//! Invoices.

use actix_web::web::Data;
use billing_core::Billing;
use kernel::InvoiceId;
use plan_core::Plans;

use super::accept::Wish;
use super::asks_provider;
use super::dto::document::InvoiceDocument;
use super::dto::invoice::{InvoiceDetails, InvoiceRetried, InvoicesBody, InvoicesQuery};
use super::names::Names;
use crate::Answer;
use crate::caller::{ManageBilling, Member};
use crate::endpoint::Endpoint;
use crate::input::{Id, Query};
use crate::problem::Problem;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let list = Endpoint::get("/api/v1/billing/invoices", list)
        .summary("The organization's invoices, newest first; `X-Total-Count` has the number of all")
        .fails(409, "change_pending");
    let document = Endpoint::get("/api/v1/billing/invoices/{id}/download", document)
        .also("/api/v1/billing/invoices/{id}/pdf")
        .summary("An invoice as a PDF; whoever asks for JSON is told where it is")
        .fails(404, "no_document");
    let retry = Endpoint::post("/api/v1/billing/invoices/{id}/retry", retry)
        .summary("Tries to charge an invoice again")
        .fails(402, "card_declined")
        .fails(409, "not_payable")
        .fails(409, "change_pending")
        .once();
    vec![
        asks_provider(list),
        Endpoint::get("/api/v1/billing/invoices/{id}", one).summary("An invoice with all that stands on it"),
        asks_provider(document),
        asks_provider(retry),
    ]
}

async fn list(
    billing: Data<Billing>,
    plans: Data<Plans>,
    by: Member<ManageBilling>,
    query: Query<InvoicesQuery>,
) -> Result<Answer<InvoicesBody>, Problem> {
    let (filter, page) = query.0.read()?;
    let found = billing.list_invoices(by.membership.org(), &filter, page).await?;
    let names = Names::new(plans.catalogue().await?);
    Ok(Answer::new(InvoicesBody::new(&found.items, &names)).header("X-Total-Count", found.total.to_string()))
}

async fn one(
    billing: Data<Billing>,
    plans: Data<Plans>,
    by: Member<ManageBilling>,
    Id(id): Id<InvoiceId>,
) -> Result<Answer<InvoiceDetails>, Problem> {
    let invoice = billing.invoice(by.membership.org(), id).await?;
    let names = Names::new(plans.catalogue().await?);
    Ok(Answer::new(InvoiceDetails::new(&invoice, &names)))
}

async fn document(
    billing: Data<Billing>,
    wish: Wish,
    by: Member<ManageBilling>,
    Id(id): Id<InvoiceId>,
) -> Result<InvoiceDocument, Problem> {
    let org = by.membership.org();
    if wish.json {
        return Ok(InvoiceDocument::Link((&billing.invoice(org, id).await?).into()));
    }
    Ok(InvoiceDocument::Pdf(billing.document(org, id).await?))
}

async fn retry(
    billing: Data<Billing>,
    by: Member<ManageBilling>,
    Id(id): Id<InvoiceId>,
) -> Result<Answer<InvoiceRetried>, Problem> {
    let invoice = billing.retry_invoice(&by.actor, by.membership.org(), id).await?;
    Ok(Answer::new((&invoice).into()))
}
