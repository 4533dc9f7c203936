//! Changes with the manual provider: invoices first, plans afterwards.
use kernel::{Action, Actor, InvoiceId, OrgId, Page, Timestamp};

use super::billing::Billing;
use super::change::Changed;
use super::preview::{Plan, same_price};
use super::sync::Change;
use crate::policy::manual::{self, Letterhead};
use crate::{
    Account, BillingError, Effective, Invoice, InvoiceFilter, InvoiceStatus, Notice, PaidSubscription, PaymentStatus,
    PendingChange, Settles,
};

impl Billing {
    /// A change with the manual provider.
    pub(super) async fn change_by_invoice(
        &self,
        actor: &Actor,
        plan: &Plan,
        live: &PaidSubscription,
        at: Timestamp,
    ) -> Result<Changed, BillingError> {
        let mut after = plan.account.clone();
        if same_price(plan, live) || plan.effective == Effective::NextCycle {
            let pending = PendingChange { plan: plan.to.plan.clone(), cycle: plan.cycle, at: Some(live.period.end) };
            if let Some(subscription) = after.subscription.as_mut() {
                subscription.cancel_at_period_end = false;
                subscription.pending = (!same_price(plan, live)).then_some(pending);
            }
            return self.agreed(actor, &plan.account, after).await;
        }
        let cost = self.cost(plan, at).await?;
        if !cost.due.is_positive() {
            let sentence = "a change that costs nothing now happens with the next period";
            return Err(BillingError::Refused(sentence.to_owned()));
        }
        let head = self.letterhead(plan.account.org).await?;
        let from = plan.from.as_ref().map_or(live.plan.as_str(), |from| from.name.as_str());
        let made = manual::change(&plan.account, from, (&plan.to, plan.cycle), &cost, &head);
        self.invoiced(actor, plan, made.ok_or(BillingError::NoSubscription)?).await
    }

    /// An invoice that is to be paid before a change happens. What was invoiced for another change is not to be paid any more.
    pub(super) async fn invoiced(
        &self,
        actor: &Actor,
        plan: &Plan,
        (after, invoice): (Account, Invoice),
    ) -> Result<Changed, BillingError> {
        let (org, id) = (plan.account.org, invoice.id);
        let mut invoices = self.void_open(&plan.account).await?;
        let notice = invoice.due_at.map(|due| Notice::InvoiceOpen(invoice.total, due));
        invoices.push(invoice);
        let change = Change { before: &plan.account, after, invoices, outgoing: None, settles: Settles::Nothing };
        let account = self.insist(actor, Action::InvoiceIssued, change).await?;
        if let Some(notice) = notice {
            self.ports.notice.tell(org, &notice).await?;
        }
        let invoice = self.ports.invoices.one(org, id).await?.ok_or(BillingError::NoSuchInvoice)?;
        Ok(Changed::Invoiced(account, Box::new(invoice)))
    }

    /// The manual provider's open invoices for a change that has not happened: void.
    async fn void_open(&self, account: &Account) -> Result<Vec<Invoice>, BillingError> {
        let waits = account.subscription.as_ref().is_some_and(|it| {
            it.status == PaymentStatus::Incomplete || it.pending.as_ref().is_some_and(|pending| pending.at.is_none())
        });
        if !waits {
            return Ok(Vec::new());
        }
        let renewal = account.subscription.as_ref().and_then(|it| it.past_due_since).is_some();
        let open = InvoiceFilter { status: Some(InvoiceStatus::Open), ..InvoiceFilter::default() };
        let open = self.ports.invoices.list(account.org, &open, Page::default()).await?.items;
        let void = |mut invoice: Invoice| {
            invoice.status = InvoiceStatus::Void;
            invoice
        };
        // The newest is the change's; a renewal that is open too stays to be paid.
        Ok(open.into_iter().take(if renewal { 1 } else { usize::MAX }).map(void).collect())
    }

    /// Ends what the manual provider invoices.
    pub(super) async fn cancel_by_hand(
        &self,
        actor: &Actor,
        account: &Account,
        at_end: bool,
    ) -> Result<Changed, BillingError> {
        let (now, mut after) = (self.ambient.now(), account.clone());
        let mut invoices = self.void_open(account).await?;
        if let Some(subscription) = after.subscription.as_mut() {
            subscription.pending = None;
            if at_end && subscription.status != PaymentStatus::Incomplete {
                subscription.cancel_at_period_end = true;
            } else {
                subscription.status = PaymentStatus::Canceled;
                subscription.ended_at = Some(now);
            }
        }
        invoices.retain(|invoice| invoice.status == InvoiceStatus::Void);
        let change = Change { before: account, after, invoices, outgoing: None, settles: Settles::Nothing };
        self.settled(actor, change).await
    }

    async fn agreed(&self, actor: &Actor, before: &Account, after: Account) -> Result<Changed, BillingError> {
        let change = Change { before, after, invoices: Vec::new(), outgoing: None, settles: Settles::Nothing };
        self.settled(actor, change).await
    }

    async fn settled(&self, actor: &Actor, change: Change<'_>) -> Result<Changed, BillingError> {
        Ok(Changed::Done(self.insist(actor, Action::PlanChangeAgreed, change).await?))
    }

    pub(super) async fn letterhead(&self, org: OrgId) -> Result<Letterhead, BillingError> {
        let customer = self.customer_details(org).await?;
        let (now, term) = (self.ambient.now(), self.settings.term);
        Ok(Letterhead { id: InvoiceId::mint(&self.ambient), customer, now, term })
    }
}
