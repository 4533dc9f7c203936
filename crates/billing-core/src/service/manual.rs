//! The operator's hand.
use kernel::{Action, Actor, OrgId};

use super::billing::Billing;
use super::sync::{ATTEMPTS, Change, Outcome};
use crate::policy::manual;
use crate::{Access, Account, BillingError, Invoice, InvoiceStatus, Notice, Settles};

/// An invoice that was marked paid, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The account afterwards.
    pub account: Account,
    /// The invoice afterwards.
    pub invoice: Invoice,
}

impl Billing {
    /// Marks an invoice of the manual provider paid: what it was for happens now. `method` says how it was paid.
    pub async fn mark_paid(&self, actor: &Actor, number: &str, method: &str) -> Result<Marked, BillingError> {
        let found = self.ports.invoices.numbered(number).await?.ok_or(BillingError::NoSuchInvoice)?;
        for _ in 0..ATTEMPTS {
            let before = self.account(found.org).await?;
            let invoice = self.invoice(found.org, found.id).await?;
            if !matches!(invoice.status, InvoiceStatus::Open | InvoiceStatus::Failed) {
                return Err(BillingError::NotPayable(invoice.status.as_str()));
            }
            let offers = self.ports.platform.offers().await?;
            let (after, settled) = manual::paid(&before, &invoice, &offers, method, self.ambient.now());
            let invoices = vec![settled.clone()];
            let change = Change { before: &before, after, invoices, outgoing: None, settles: Settles::Nothing };
            if let Outcome::Posted(account) = self.post(actor, Action::InvoicePaid, change).await? {
                return Ok(Marked { account: *account, invoice: settled });
            }
        }
        Err(BillingError::ChangePending)
    }

    /// After an administrator moved the organization: what is paid for stands wherever it is higher than what was given. The account, of an
    /// organization that pays for something.
    pub async fn given(&self, actor: &Actor, org: OrgId) -> Result<Option<Account>, BillingError> {
        let before = self.account(org).await?;
        if !before.access.is_some_and(Access::stands) {
            return Ok(None);
        }
        let after = before.clone();
        let change = Change { before: &before, after, invoices: Vec::new(), outgoing: None, settles: Settles::Nothing };
        self.insist(actor, Action::PaymentStateChanged, change).await.map(Some)
    }

    /// What time has brought about for an organization: with a provider that is asked, with the manual one it is counted.
    pub(super) async fn elapse(&self, org: OrgId) -> Result<(), BillingError> {
        if self.ports.gateway.is_some() {
            return self.sync(org, &Settles::Nothing).await.map(drop);
        }
        for _ in 0..ATTEMPTS {
            let before = self.account(org).await?;
            let offers = self.ports.platform.offers().await?;
            let head = self.letterhead(org).await?;
            let (after, invoice) = manual::elapse(&before, &offers, &head).unwrap_or_else(|| (before.clone(), None));
            let notice = invoice.as_ref().and_then(|it| it.due_at.map(|due| Notice::InvoiceOpen(it.total, due)));
            let action = if invoice.is_some() { Action::InvoiceIssued } else { Action::PaymentStateChanged };
            let invoices = invoice.into_iter().collect();
            // Posted also when nothing but time went by: then it is known when to look again.
            let change = Change { before: &before, after, invoices, outgoing: None, settles: Settles::Nothing };
            if let Outcome::Posted(_) = self.post(&Actor::system(), action, change).await? {
                if let Some(notice) = notice {
                    self.ports.notice.tell(org, &notice).await?;
                }
                return Ok(());
            }
        }
        Err(BillingError::ChangePending)
    }
}
