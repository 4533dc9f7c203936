//! Invoices as columns; their lines and payments are JSON.
use billing_core::{Cycle, Invoice, InvoiceLine, InvoicePayment, InvoiceStatus, PaymentProvider};
use kernel::{InvoiceId, OrgId, Period, StoreError, Timestamp};
use serde::{Deserialize, Serialize};

use super::row::{money, word};
use crate::entity::invoice::Model;
use crate::error::bad_column;
use crate::value::{from_micros, micros, read, storable, without_zero};

/// A line as it is kept. Times are microseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
struct StoredLine {
    description: String,
    quantity: u32,
    unit_minor: i64,
    amount_minor: i64,
    period: Option<(i64, i64)>,
}

/// A payment as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct StoredPayment {
    at: i64,
    amount_minor: i64,
    method: String,
}

pub(super) fn from_invoice(invoice: &Invoice) -> Result<Model, StoreError> {
    let text = |text: &Option<String>| text.as_deref().map(without_zero);
    let (name, address) = &invoice.customer;
    Ok(Model {
        org_id: invoice.org.uuid(),
        id: invoice.id.uuid(),
        provider: invoice.provider.as_str().to_owned(),
        external: text(&invoice.external),
        number: text(&invoice.number),
        status: invoice.status.as_str().to_owned(),
        subtotal_minor: invoice.subtotal_minor,
        tax_minor: invoice.tax_minor,
        total_minor: invoice.total.minor,
        currency: invoice.total.currency.to_string(),
        issued_at: storable(invoice.issued_at),
        due_at: invoice.due_at.map(storable),
        paid_at: invoice.paid_at.map(storable),
        period_start: invoice.period.map(|period| storable(period.start)),
        period_end: invoice.period.map(|period| storable(period.end)),
        plan_id: text(&invoice.plan),
        cycle: invoice.cycle.map(|cycle| cycle.as_str().to_owned()),
        description: without_zero(&invoice.description),
        lines: lines_column(&invoice.lines)?,
        payments: payments_column(&invoice.payments)?,
        customer_name: without_zero(name),
        customer_address: without_zero(address),
        hosted_url: text(&invoice.hosted_url),
    })
}

fn lines_column(lines: &[InvoiceLine]) -> Result<String, StoreError> {
    let stored = lines.iter().map(|line| StoredLine {
        description: line.description.clone(),
        quantity: line.quantity,
        unit_minor: line.unit_minor,
        amount_minor: line.amount_minor,
        period: line.period.map(|period| (micros(period.start), micros(period.end))),
    });
    serde_json::to_string(&stored.collect::<Vec<_>>()).map_err(StoreError::broken)
}

fn payments_column(payments: &[InvoicePayment]) -> Result<String, StoreError> {
    let stored = payments.iter().map(|payment| StoredPayment {
        at: micros(payment.at),
        amount_minor: payment.amount_minor,
        method: payment.method.clone(),
    });
    serde_json::to_string(&stored.collect::<Vec<_>>()).map_err(StoreError::broken)
}

pub(super) fn to_invoice(row: Model) -> Result<Invoice, StoreError> {
    let cycle = |text: &str| word("invoice.cycle", text, Cycle::parse);
    Ok(Invoice {
        id: InvoiceId::from_uuid(row.id),
        org: OrgId::from_uuid(row.org_id),
        provider: word("invoice.provider", &row.provider, PaymentProvider::parse)?,
        external: row.external,
        number: row.number,
        status: word("invoice.status", &row.status, InvoiceStatus::parse)?,
        subtotal_minor: row.subtotal_minor,
        tax_minor: row.tax_minor,
        total: money("invoice.currency", row.total_minor, &row.currency)?,
        issued_at: row.issued_at,
        due_at: row.due_at,
        paid_at: row.paid_at,
        period: period(row.period_start, row.period_end)?,
        plan: row.plan_id,
        cycle: row.cycle.as_deref().map(cycle).transpose()?,
        description: row.description,
        lines: lines(&row.lines)?,
        payments: payments(&row.payments)?,
        customer: (row.customer_name, row.customer_address),
        hosted_url: row.hosted_url,
    })
}

fn period(start: Option<Timestamp>, end: Option<Timestamp>) -> Result<Option<Period>, StoreError> {
    match (start, end) {
        (Some(start), Some(end)) => Ok(Some(Period { start, end })),
        (None, None) => Ok(None),
        _ => Err(bad_column("invoice.period_end")),
    }
}

fn lines(column: &str) -> Result<Vec<InvoiceLine>, StoreError> {
    let stored: Vec<StoredLine> = read("invoice.lines", serde_json::from_str(column))?;
    let period = |(start, end): (i64, i64)| Period { start: from_micros(start), end: from_micros(end) };
    let line = |line: StoredLine| InvoiceLine {
        description: line.description,
        quantity: line.quantity,
        unit_minor: line.unit_minor,
        amount_minor: line.amount_minor,
        period: line.period.map(period),
    };
    Ok(stored.into_iter().map(line).collect())
}

fn payments(column: &str) -> Result<Vec<InvoicePayment>, StoreError> {
    let stored: Vec<StoredPayment> = read("invoice.payments", serde_json::from_str(column))?;
    let payment = |payment: StoredPayment| InvoicePayment {
        at: from_micros(payment.at),
        amount_minor: payment.amount_minor,
        method: payment.method,
    };
    Ok(stored.into_iter().map(payment).collect())
}
