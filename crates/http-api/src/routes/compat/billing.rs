//! Money, in the shapes that consoles already in the field read.

mod dto;

use actix_web::web::Data;
use billing_core::{Billing, InvoiceFilter, InvoiceStatus};
use kernel::{OrgId, Page};
use plan_core::{Access, Plans};

use self::dto::{BarePlans, CycleBody, ProviderBody, Spent, SummaryBody};
use crate::Answer;
use crate::caller::{Caller, Member};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::public::Audience;
use crate::routes::subscriptions::Eyes;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/billing/plans", plans)
            .summary("The plans that can be chosen, as a list; `GET /subscriptions/plans` tells the same"),
        Endpoint::get("/api/v1/billing/cycle", cycle)
            .summary("The period that is paid for; `GET /subscriptions/my-access` tells the same and more"),
        Endpoint::get("/api/v1/billing/summary", summary)
            .summary("What the organization pays, and has paid")
            .fails(409, "change_pending")
            .fails(409, "provider_refused")
            .fails(409, "provider_unsupported")
            .fails(502, "provider_error"),
        Endpoint::get("/api/v1/billing/provider-config", provider).summary("Who takes the money, and what it can do"),
    ]
}

async fn plans(
    plans: Data<Plans>,
    access: Data<Access>,
    _: Caller,
    by: Audience,
) -> Result<Answer<BarePlans>, Problem> {
    let eyes = Eyes::of(&by, &plans, &access).await?;
    Ok(Answer::new(BarePlans::new(&eyes, by.administers)))
}

async fn cycle(billing: Data<Billing>, by: Member) -> Result<Answer<CycleBody>, Problem> {
    Ok(Answer::new((&billing.status(by.membership.org()).await?.account).into()))
}

async fn summary(billing: Data<Billing>, access: Data<Access>, by: Member) -> Result<Answer<SummaryBody>, Problem> {
    let org = by.membership.org();
    let spent = spent(&billing, org).await?;
    let (standing, status) = (access.standing(org).await?, billing.status(org).await?);
    Ok(Answer::new(SummaryBody::new(&standing, &status.account, &spent)))
}

async fn provider(billing: Data<Billing>, _: Caller) -> Result<Answer<ProviderBody>, Problem> {
    Ok(Answer::new(ProviderBody::new(billing.provider(), billing.capabilities())))
}

/// What was paid, over all invoices.
async fn spent(billing: &Billing, org: OrgId) -> Result<Spent, Problem> {
    let paid = InvoiceFilter { status: Some(InvoiceStatus::Paid), ..InvoiceFilter::default() };
    let mut spent = Spent::default();
    while let Some(page) = Page::new(Page::MAX_LIMIT, spent.invoices()) {
        let found = billing.list_invoices(org, &paid, page).await?;
        spent.add(&found.items);
        if found.items.is_empty() || u64::from(spent.invoices()) >= found.total {
            break;
        }
    }
    Ok(spent)
}
