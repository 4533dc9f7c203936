//! The manual provider: the operator's own invoices. All of it is time and hand: a period ends, an invoice is marked paid.
use chrono::TimeDelta;
use kernel::{InvoiceId, Period, SubscriptionId, Timestamp};

use crate::{
    Account, CustomerDetails, Cycle, Invoice, InvoiceLine, InvoicePayment, InvoiceStatus, Money, Offer, Offers,
    PaidSubscription, PaymentProvider, PaymentStatus, PendingChange, Proration,
};

/// Who an invoice is for, what it is called, and when it is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letterhead {
    /// The invoice's name.
    pub id: InvoiceId,
    /// Who it is for.
    pub customer: CustomerDetails,
    /// Now.
    pub now: Timestamp,
    /// How long there is time to pay.
    pub term: TimeDelta,
}

/// A subscription that begins when its first invoice is paid.
pub fn begin(
    account: &Account,
    id: SubscriptionId,
    offer: &Offer,
    cycle: Cycle,
    head: &Letterhead,
) -> (Account, Invoice) {
    let mut after = account.clone();
    let period = cycle.period(head.now, head.now);
    after.subscription = Some(PaidSubscription {
        id,
        external: None,
        plan: offer.plan.clone(),
        cycle,
        amount: offer.price(cycle),
        status: PaymentStatus::Incomplete,
        anchor: head.now,
        period,
        trial_ends_at: None,
        cancel_at_period_end: false,
        past_due_since: None,
        pending: None,
        ended_at: None,
    });
    let line = line(&format!("{} ({})", offer.name, cycle.as_str()), offer.price(cycle).minor, Some(period));
    (after, invoice(head, (offer, cycle), Some(period), vec![line]))
}

/// A change for more: it happens when its invoice is paid. `from` is what people call the plan that is left.
pub fn change(
    account: &Account,
    from: &str,
    (offer, cycle): (&Offer, Cycle),
    cost: &Proration,
    head: &Letterhead,
) -> Option<(Account, Invoice)> {
    let mut after = account.clone();
    let running = after.subscription.as_mut()?;
    let rest = Period { start: head.now, end: running.period.end };
    // Another cycle begins a period of its own, of which all is charged.
    let charged = if cycle == running.cycle { rest } else { cycle.period(head.now, head.now) };
    let lines = vec![
        line(&format!("{} ({})", offer.name, cycle.as_str()), cost.charge_minor, Some(charged)),
        line(&format!("Unused time on {from}"), -cost.credit_minor, Some(rest)),
    ];
    running.pending = Some(PendingChange { plan: offer.plan.clone(), cycle, at: None });
    Some((after, invoice(head, (offer, cycle), Some(charged), lines)))
}

/// The account, and the invoice, when the invoice has been paid.
pub fn paid(account: &Account, invoice: &Invoice, offers: &Offers, method: &str, now: Timestamp) -> (Account, Invoice) {
    let mut settled = invoice.clone();
    settled.status = InvoiceStatus::Paid;
    settled.paid_at = Some(now);
    settled.payments.push(InvoicePayment { at: now, amount_minor: invoice.total.minor, method: method.to_owned() });
    let mut after = account.clone();
    let Some(subscription) = after.subscription.as_mut().filter(|it| !it.status.has_ended()) else {
        return (after, settled);
    };
    if subscription.status == PaymentStatus::Incomplete {
        subscription.status = PaymentStatus::Active;
        subscription.anchor = now;
        subscription.period = subscription.cycle.period(now, now);
        return (after, settled);
    }
    let agreed =
        subscription.pending.take_if(|pending| pending.at.is_none() && invoice.plan.as_ref() == Some(&pending.plan));
    if let Some(pending) = agreed {
        switch(subscription, &pending, offers, now);
    } else {
        subscription.status = PaymentStatus::Active;
        subscription.past_due_since = None;
    }
    (after, settled)
}

/// What time has brought about, and the invoice for the next period if one is due; `None` when nothing.
pub fn elapse(account: &Account, offers: &Offers, head: &Letterhead) -> Option<(Account, Option<Invoice>)> {
    let mut after = account.clone();
    let subscription = after.subscription.as_mut().filter(|it| !it.status.has_ended())?;
    let now = head.now;
    if subscription.status == PaymentStatus::Incomplete {
        return None;
    }
    if subscription.status == PaymentStatus::Active && subscription.past_due_since.is_some_and(|since| since <= now) {
        subscription.status = PaymentStatus::PastDue;
    }
    let mut issued = None;
    if subscription.period.end <= now {
        if subscription.cancel_at_period_end || subscription.past_due_since.is_some() {
            // Who has not paid for the last period gets no invoice for another one.
            subscription.status = PaymentStatus::Canceled;
            subscription.ended_at = Some(subscription.period.end);
            subscription.pending = None;
        } else {
            issued = Some(renew(subscription, offers, head));
        }
    }
    (after != *account).then_some((after, issued.flatten()))
}

/// The next period, to be paid within the term.
fn renew(subscription: &mut PaidSubscription, offers: &Offers, head: &Letterhead) -> Option<Invoice> {
    let end = subscription.period.end;
    if let Some(pending) = subscription.pending.take_if(|pending| pending.at.is_some_and(|at| at <= head.now)) {
        switch(subscription, &pending, offers, end);
    }
    subscription.period = subscription.cycle.period(subscription.anchor, end);
    let offer = offers.plan(&subscription.plan)?;
    if !subscription.amount.is_positive() {
        return None;
    }
    subscription.past_due_since = Some(head.now + head.term);
    let line = line(
        &format!("{} ({})", offer.name, subscription.cycle.as_str()),
        subscription.amount.minor,
        Some(subscription.period),
    );
    let mut invoice = invoice(head, (offer, subscription.cycle), Some(subscription.period), vec![line]);
    invoice.total = subscription.amount;
    Some(invoice)
}

/// Another plan from this moment on. Another cycle begins a period of its own.
fn switch(subscription: &mut PaidSubscription, to: &PendingChange, offers: &Offers, at: Timestamp) {
    let Some(offer) = offers.plan(&to.plan) else { return };
    if to.cycle != subscription.cycle {
        subscription.anchor = at;
        subscription.period = to.cycle.period(at, at);
    }
    // Whoever pays for more has thought better of ending it.
    subscription.cancel_at_period_end = false;
    subscription.plan.clone_from(&to.plan);
    subscription.cycle = to.cycle;
    subscription.amount = offer.price(to.cycle);
}

fn line(description: &str, amount_minor: i64, period: Option<Period>) -> InvoiceLine {
    InvoiceLine { description: description.to_owned(), quantity: 1, unit_minor: amount_minor, amount_minor, period }
}

fn invoice(
    head: &Letterhead,
    (offer, cycle): (&Offer, Cycle),
    period: Option<Period>,
    lines: Vec<InvoiceLine>,
) -> Invoice {
    let total = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.amount_minor));
    Invoice {
        id: head.id,
        org: head.customer.org,
        provider: PaymentProvider::Manual,
        external: None,
        number: None,
        status: InvoiceStatus::Open,
        subtotal_minor: total,
        tax_minor: 0,
        total: Money::new(total, offer.currency),
        issued_at: head.now,
        due_at: Some(head.now + head.term),
        paid_at: None,
        period,
        plan: Some(offer.plan.clone()),
        cycle: Some(cycle),
        description: format!("{} ({})", offer.name, cycle.as_str()),
        lines,
        payments: Vec::new(),
        customer: (head.customer.name.clone(), head.customer.email.clone()),
        hosted_url: None,
    }
}
