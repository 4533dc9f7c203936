use std::collections::BTreeMap;

use billing_core::{
    Cycle, GatewayError, Invoice as Made, InvoiceLine, InvoicePayment, InvoiceStatus, Money, PaymentProvider,
};
use chrono::{NaiveDate, NaiveTime};
use kernel::{Ambient, InvoiceId, OrgId, Period, Timestamp};

use crate::{
    standing::after,
    wire::{Customer, Fee, Invoice, Payment, Plan, Time},
};

/// What else is known about a customer's invoices.
pub(crate) struct Facts<'a> {
    pub(crate) org: OrgId,
    pub(crate) payments: &'a [Payment],
    pub(crate) plans: &'a BTreeMap<String, Option<Plan>>,
    pub(crate) ambient: &'a Ambient,
}

/// An invoice, in billing-core's words; `None` for one that does not exist yet, or any more.
pub(crate) fn read(invoice: &Invoice, facts: &Facts<'_>) -> Result<Option<Made>, GatewayError> {
    let Some((status, external)) = status(invoice).zip(invoice.lago_id.clone()) else { return Ok(None) };
    let currency = invoice.currency.parse().map_err(GatewayError::broken)?;
    let total = Money::new(invoice.total_amount_cents, currency);
    let payments = payments(&external, facts.payments);
    let paid_at = payments.iter().map(|payment| payment.at).max().or(invoice.updated_at);
    let lines = lines(invoice);
    let issued_at = invoice.created_at.or(midnight(invoice.issuing_date));
    let subscription = invoice.subscriptions.iter().flatten().next();
    let plan = subscription.and_then(|it| facts.plans.get(&it.plan_code)?.as_ref());
    Ok(Some(Made {
        id: InvoiceId::mint(facts.ambient),
        org: facts.org,
        provider: PaymentProvider::Lago,
        external: Some(external),
        number: invoice.number.clone().filter(|number| status != InvoiceStatus::Draft && !number.is_empty()),
        status,
        // What the lines sum up to. Lago's own figure leaves out what is credited after tax.
        subtotal_minor: total.minor.saturating_sub(invoice.taxes_amount_cents),
        tax_minor: invoice.taxes_amount_cents,
        total,
        issued_at: issued_at.ok_or_else(|| GatewayError::broken("an invoice has no date"))?,
        due_at: midnight(invoice.payment_due_date),
        paid_at: paid_at.filter(|_| status == InvoiceStatus::Paid),
        period: period_of(invoice),
        plan: None,
        cycle: plan.and_then(|plan| Cycle::parse(&plan.interval)),
        description: lines.first().map_or_else(|| "Invoice".to_owned(), |line| line.description.clone()),
        lines,
        payments,
        customer: invoice.customer.as_ref().map(party).unwrap_or_default(),
        hosted_url: None,
    }))
}

fn status(invoice: &Invoice) -> Option<InvoiceStatus> {
    match (invoice.status.as_deref()?, invoice.payment_status.as_deref()) {
        ("draft" | "pending", _) => Some(InvoiceStatus::Draft),
        ("finalized", Some("succeeded")) => Some(InvoiceStatus::Paid),
        ("finalized", Some("failed")) => Some(InvoiceStatus::Failed),
        ("finalized", _) => Some(InvoiceStatus::Open),
        ("voided", _) => Some(InvoiceStatus::Void),
        // `failed` could not be made, `deleted` is gone; both are of no interest to a customer.
        _ => None,
    }
}

fn midnight(day: Option<NaiveDate>) -> Option<Timestamp> {
    day.map(|day| day.and_time(NaiveTime::MIN).and_utc())
}

fn period(from: Time, to: Time) -> Option<Period> {
    from.zip(to).map(|(start, end)| Period { start, end: after(end) })
}

fn period_of(invoice: &Invoice) -> Option<Period> {
    let of_subscription = invoice.billing_periods.iter().flatten().next();
    let of_subscription =
        of_subscription.and_then(|it| period(it.subscription_from_datetime, it.subscription_to_datetime));
    of_subscription.or_else(|| invoice.fees.iter().flatten().find_map(|fee| period(fee.from_date, fee.to_date)))
}

/// The fees, and what is taken off: with them the lines sum up to the total before tax.
fn lines(invoice: &Invoice) -> Vec<InvoiceLine> {
    let mut lines: Vec<InvoiceLine> = invoice.fees.iter().flatten().map(line).collect();
    for (what, minor) in [
        ("Coupons", invoice.coupons_amount_cents),
        ("Billed before", invoice.progressive_billing_credit_amount_cents),
        ("Credit notes", invoice.credit_notes_amount_cents),
        ("Prepaid credit", invoice.prepaid_credit_amount_cents),
    ] {
        if minor != 0 {
            let minor = minor.saturating_abs().saturating_neg();
            let description = what.to_owned();
            lines.push(InvoiceLine { description, quantity: 1, unit_minor: minor, amount_minor: minor, period: None });
        }
    }
    lines
}

fn line(fee: &Fee) -> InvoiceLine {
    let item = fee.item.as_ref();
    let names = [item.and_then(|item| item.invoice_display_name.clone()), item.and_then(|item| item.name.clone())];
    let name = names.into_iter().flatten().chain(fee.description.clone()).find(|name| !name.is_empty());
    // Units may be fractions, and what one costs may be one of a cent: then the line counts as one.
    let units = fee.units.as_deref().and_then(whole);
    let even = units.filter(|units| fee.amount_cents % i64::from(*units) == 0);
    let quantity = even.unwrap_or(1);
    InvoiceLine {
        description: name.unwrap_or_else(|| "Subscription".to_owned()),
        quantity,
        unit_minor: fee.amount_cents / i64::from(quantity),
        amount_minor: fee.amount_cents,
        period: period(fee.from_date, fee.to_date),
    }
}

/// A positive whole number, also when it is written as `2.0`.
fn whole(units: &str) -> Option<u32> {
    let (whole, fraction) = units.split_once('.').unwrap_or((units, ""));
    let units = whole.parse().ok().filter(|units| *units > 0);
    units.filter(|_| fraction.bytes().all(|digit| digit == b'0'))
}

fn payments(external: &str, all: &[Payment]) -> Vec<InvoicePayment> {
    let of_it =
        all.iter().filter(|it| it.payment_status == "succeeded" && it.invoice_ids.iter().any(|id| id == external));
    let mut payments: Vec<InvoicePayment> = of_it
        .map(|payment| {
            let provider = payment.payment_provider_type.clone().filter(|_| payment.kind.as_deref() != Some("manual"));
            let reference = payment.reference.clone().filter(|reference| !reference.is_empty());
            let method = provider.or(reference).unwrap_or_else(|| "manual".to_owned());
            InvoicePayment { at: payment.created_at, amount_minor: payment.amount_cents, method }
        })
        .collect();
    payments.sort_by_key(|payment| payment.at);
    payments
}

/// Name and address, line by line.
fn party(customer: &Customer) -> (String, String) {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let name = given(&customer.legal_name).or_else(|| given(&customer.name)).unwrap_or_default();
    let town = [given(&customer.zipcode), given(&customer.city)].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let lines = [
        given(&customer.address_line1),
        given(&customer.address_line2),
        Some(town).filter(|town| !town.is_empty()),
        given(&customer.state),
        given(&customer.country),
    ];
    (name, lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_units_are_counted() {
        for (text, expected) in [
            ("1", Some(1)),
            ("2.0", Some(2)),
            ("12.000", Some(12)),
            ("0", None),
            ("0.5", None),
            ("1.5", None),
            ("-1", None),
            ("", None),
            ("99999999999", None),
        ] {
            assert_eq!(whole(text), expected, "{text}");
        }
    }
}
