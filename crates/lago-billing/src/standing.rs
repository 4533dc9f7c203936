//! Where a subscription stands: Lago says whether it runs, and its invoices whether it was paid.

use std::time::Duration;

use billing_core::{Cycle, GatewayError, Money, Payment, PaymentStatus, RemoteSubscription};
use chrono::{NaiveTime, TimeDelta};
use kernel::{Period, Timestamp};

use crate::{
    checkout::is_for,
    wire::{CreditNote, Invoice, Plan, Subscription},
};

/// What is known of a subscription.
pub(crate) struct Seen<'a> {
    pub(crate) subscription: &'a Subscription,
    /// `None` for a plan that is gone.
    pub(crate) plan: Option<&'a Plan>,
    /// The customer's invoices, newest first.
    pub(crate) invoices: &'a [Invoice],
    pub(crate) notes: &'a [CreditNote],
    pub(crate) now: Timestamp,
}

/// The subscription, in billing-core's words.
pub(crate) fn stands(seen: &Seen<'_>) -> Result<RemoteSubscription, GatewayError> {
    let Seen { subscription, now, .. } = *seen;
    let created = subscription.subscription_at.or(subscription.started_at).unwrap_or(subscription.created_at);
    let ended_at = subscription.terminated_at.or(subscription.canceled_at);
    let period = period(seen, created, ended_at.unwrap_or(now));
    let downgrade = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let scheduled = subscription
        .next_plan_code
        .clone()
        .map(|code| (code, subscription.downgrade_plan_date.map_or(period.end, downgrade)));
    let (status, payment) = (status(seen), payment(seen));
    Ok(RemoteSubscription {
        external: subscription.external_id.clone(),
        price: subscription.plan_code.clone(),
        amount: amount(seen)?,
        status,
        payment,
        created,
        period,
        trial_ends_at: trial_end(seen),
        cancel_at_period_end: subscription.ending_at.is_some() && !status.has_ended(),
        scheduled: scheduled.filter(|_| !status.has_ended()),
        ended_at: ended_at.filter(|_| status.has_ended()),
    })
}

/// What a cycle costs: the subscription's own price, where it has one.
fn amount(seen: &Seen<'_>) -> Result<Money, GatewayError> {
    let own = seen.subscription.plan_amount_cents.zip(seen.subscription.plan_amount_currency.as_deref());
    let plans = seen.plan.map(|plan| (plan.amount_cents, plan.amount_currency.as_str()));
    let (minor, currency) = own.or(plans).ok_or_else(|| GatewayError::broken("a subscription has no price"))?;
    Ok(Money::new(minor, currency.parse().map_err(GatewayError::broken)?))
}

fn period(seen: &Seen<'_>, anchor: Timestamp, at: Timestamp) -> Period {
    let (start, end) =
        (seen.subscription.current_billing_period_started_at, seen.subscription.current_billing_period_ending_at);
    if let (Some(start), Some(end)) = (start, end) {
        return Period { start, end: after(end) };
    }
    let yearly = seen.plan.is_some_and(|plan| plan.interval == "yearly");
    let cycle = if yearly { Cycle::Yearly } else { Cycle::Monthly };
    cycle.period(anchor, at)
}

/// The first moment after a period that Lago calls by its last second, 23:59:59.
pub(crate) fn after(end: Timestamp) -> Timestamp {
    let whole = end - TimeDelta::nanoseconds(i64::from(end.timestamp_subsec_nanos()));
    if whole.timestamp().rem_euclid(60) == 59 { whole + TimeDelta::seconds(1) } else { end }
}

/// When a trial that is running, or has run, ends.
fn trial_end(seen: &Seen<'_>) -> Option<Timestamp> {
    if let Some(ended) = seen.subscription.trial_ended_at {
        return Some(ended);
    }
    let days = seen.plan?.trial_period.filter(|days| *days > 0.0)?;
    let trial = TimeDelta::from_std(Duration::try_from_secs_f64(days * 86_400.0).ok()?).ok()?;
    seen.subscription.started_at?.checked_add_signed(trial)
}

fn is_trial(seen: &Seen<'_>) -> bool {
    seen.subscription.trial_ended_at.is_none() && trial_end(seen).is_some_and(|end| seen.now < end)
}

/// The invoices of the subscription that are to be paid or were, newest first.
fn invoices<'a>(seen: &Seen<'a>) -> impl Iterator<Item = &'a Invoice> + use<'a> {
    let name = seen.subscription.external_id.clone();
    let counts = move |invoice: &&Invoice| {
        invoice.status.as_deref() == Some("finalized")
            && invoice.invoice_type.as_deref() == Some("subscription")
            && is_for(invoice, &name)
    };
    seen.invoices.iter().filter(counts)
}

fn payment(seen: &Seen<'_>) -> Payment {
    let free = seen.subscription.plan_amount_cents.or(seen.plan.map(|plan| plan.amount_cents)) == Some(0);
    if is_trial(seen) || free {
        return Payment::NotRequired;
    }
    match invoices(seen).next() {
        // A plan that is paid afterwards costs nothing before its first period is over.
        None if seen.plan.is_some_and(|plan| !plan.pay_in_advance) => Payment::NotRequired,
        Some(invoice) if invoice.payment_dispute_lost_at.is_some() => Payment::Disputed,
        Some(invoice) if is_refunded(invoice, seen.notes) => Payment::Refunded,
        Some(invoice) if invoice.payment_status.as_deref() == Some("succeeded") => Payment::Paid,
        None | Some(_) => Payment::Unpaid,
    }
}

fn is_refunded(invoice: &Invoice, notes: &[CreditNote]) -> bool {
    let of_it = notes.iter().filter(|note| Some(&note.lago_invoice_id) == invoice.lago_id.as_ref());
    let given_back = of_it.filter(|note| note.refund_status.as_deref() == Some("succeeded"));
    let sum: i64 = given_back.map(|note| note.refund_amount_cents).sum();
    sum > 0 && sum >= invoice.total_amount_cents
}

fn status(seen: &Seen<'_>) -> PaymentStatus {
    match seen.subscription.status.as_str() {
        "active" if is_trial(seen) => PaymentStatus::Trialing,
        "active" => running(seen),
        "terminated" => PaymentStatus::Canceled,
        "canceled" => PaymentStatus::IncompleteExpired,
        // `pending`, `incomplete`, and whatever Lago may call one that does not run: it gives nothing.
        _ => PaymentStatus::Incomplete,
    }
}

/// Lago lets a subscription run whether or not it is paid.
fn running(seen: &Seen<'_>) -> PaymentStatus {
    if payment(seen) != Payment::Unpaid {
        return PaymentStatus::Active;
    }
    let in_advance = seen.plan.is_none_or(|plan| plan.pay_in_advance);
    let was_paid = invoices(seen).any(|invoice| invoice.payment_status.as_deref() == Some("succeeded"));
    if in_advance && !was_paid && trial_end(seen).is_none() {
        return PaymentStatus::Incomplete;
    }
    let late = |invoice: &Invoice| invoice.payment_overdue || invoice.payment_status.as_deref() == Some("failed");
    if invoices(seen).next().is_some_and(late) { PaymentStatus::PastDue } else { PaymentStatus::Active }
}
