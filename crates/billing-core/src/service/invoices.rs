//! Invoices, of whichever provider.
use chrono::TimeDelta;
use kernel::{Action, Actor, InvoiceId, OrgId, Page, Paged};

use super::billing::Billing;
use super::sync::Change;
use crate::{BillingError, GatewayError, Invoice, InvoiceFilter, InvoiceStatus, PaymentProvider, Settles};

/// How old what is known of a provider may be before it is asked again for a list. Events tell of changes sooner.
const STALE: TimeDelta = TimeDelta::hours(1);

/// An invoice as a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What to call it.
    pub number: String,
    /// A PDF.
    pub bytes: Vec<u8>,
}

impl Billing {
    /// The organization's invoices, newest first. A provider that is down is no reason for an empty list: what is known is shown, and an
    /// error where nothing ever was.
    pub async fn list_invoices(
        &self,
        org: OrgId,
        filter: &InvoiceFilter,
        page: Page,
    ) -> Result<Paged<Invoice>, BillingError> {
        let account = self.account(org).await?;
        let stale = account.synced_at.is_none_or(|at| self.ambient.now() - at > STALE);
        if account.customer.is_some() && self.ports.gateway.is_some() && stale {
            match self.sync(org, &Settles::Nothing).await {
                Err(error) if account.synced_at.is_none() => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(self.ports.invoices.list(org, filter, page).await?)
    }

    /// One of them.
    pub async fn invoice(&self, org: OrgId, id: InvoiceId) -> Result<Invoice, BillingError> {
        self.ports.invoices.one(org, id).await?.ok_or(BillingError::NoSuchInvoice)
    }

    /// One of them, as a PDF.
    pub async fn document(&self, org: OrgId, id: InvoiceId) -> Result<Document, BillingError> {
        let invoice = self.invoice(org, id).await?;
        let number = invoice.number.clone().unwrap_or_else(|| invoice.id.to_string());
        let bytes = match (invoice.provider, &self.ports.gateway, &invoice.external) {
            (PaymentProvider::Manual, ..) => self.ports.printer.print(&invoice)?,
            (provider, Some(gateway), Some(external)) if provider == self.provider() => {
                gateway.invoices.pdf(external).await.map_err(|error| match error {
                    GatewayError::NotFound => BillingError::NoDocument,
                    other => other.into(),
                })?
            }
            // Another provider's, from before: its document is there no more.
            _ => return Err(BillingError::NoDocument),
        };
        Ok(Document { number, bytes })
    }

    /// Tries to charge an invoice again; the invoice afterwards.
    pub async fn retry_invoice(&self, actor: &Actor, org: OrgId, id: InvoiceId) -> Result<Invoice, BillingError> {
        let invoice = self.invoice(org, id).await?;
        if !matches!(invoice.status, InvoiceStatus::Open | InvoiceStatus::Failed) {
            return Err(BillingError::NotPayable(invoice.status.as_str()));
        }
        let external = invoice.external.as_deref().ok_or(BillingError::ProviderUnsupported)?;
        let before = self.account(org).await?;
        let change = Change {
            before: &before,
            after: before.clone(),
            invoices: Vec::new(),
            outgoing: None,
            settles: Settles::Nothing,
        };
        // Written down before it is asked for: what the bank does afterwards is not known to us if the answer is lost.
        self.insist(actor, Action::PaymentRetried, change).await?;
        let tried = self.gateway()?.invoices.retry(external, &self.once("retry")).await;
        self.sync(org, &Settles::Nothing).await?;
        tried?;
        self.invoice(org, id).await
    }
}
