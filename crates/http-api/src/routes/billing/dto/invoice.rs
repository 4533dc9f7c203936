//! Invoices, of whichever provider.

use billing_core::{Cycle, Invoice, InvoiceFilter, InvoiceLine, InvoicePayment, InvoiceStatus, Money};
use kernel::Page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::names::Names;
use super::document::document_path;
use super::money::major;
use crate::input::{Fields, PageQuery};
use crate::problem::Problem;
use crate::wire::{moment, time};

/// Which invoices.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub(in crate::routes::billing) struct InvoicesQuery {
    /// How many rows at most, 1..=200; 50 when absent.
    #[param(minimum = 1, maximum = 200, example = 50, nullable = false)]
    limit: Option<u32>,
    /// How many rows to pass over first.
    #[param(minimum = 0, example = 0, nullable = false)]
    offset: Option<u32>,
    /// Only those that are `draft`, `open`, `paid`, `failed` or `void`.
    #[param(pattern = "^(draft|open|paid|failed|void)$", nullable = false)]
    status: Option<String>,
    /// Only those made at this time or later.
    #[param(format = DateTime, nullable = false)]
    from: Option<String>,
    /// Only those made before this time.
    #[param(format = DateTime, nullable = false)]
    to: Option<String>,
}

impl InvoicesQuery {
    /// Which, and which part of them.
    pub(in crate::routes::billing) fn read(self) -> Result<(InvoiceFilter, Page), Problem> {
        let page = PageQuery { limit: self.limit, offset: self.offset }.page()?;
        let mut fields = Fields::default();
        let status = fields.read_some("?status", self.status, |text| {
            InvoiceStatus::parse(&text).ok_or("must be draft, open, paid, failed or void")
        });
        let from = fields.read_some("?from", self.from, |text| moment(&text));
        let to = fields.read_some("?to", self.to, |text| moment(&text));
        fields.done(Some((InvoiceFilter { status, from, to }, page)))
    }
}

/// The organization's invoices, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Invoices)]
pub(in crate::routes::billing) struct InvoicesBody(Vec<InvoiceBody>);

impl InvoicesBody {
    /// These.
    pub(in crate::routes::billing) fn new(invoices: &[Invoice], names: &Names) -> Self {
        Self(invoices.iter().map(|invoice| InvoiceBody::new(invoice, names)).collect())
    }
}

/// An invoice.
#[derive(Serialize, ToSchema)]
#[schema(as = Invoice)]
pub(in crate::routes) struct InvoiceBody {
    /// Its name here.
    #[schema(example = "in_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// What people call it; a draft has none.
    #[schema(example = "INV-2026-000001")]
    number: Option<String>,
    /// `number` again.
    #[schema(example = "INV-2026-000001")]
    invoice_number: Option<String>,
    /// What is to be paid, or was, in `currency`.
    #[schema(example = 19.0)]
    amount: f64,
    /// The same in minor units.
    #[schema(example = 1900)]
    amount_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// `draft`, `open`, `paid`, `failed` or `void`.
    #[schema(example = "paid")]
    status: &'static str,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    date: String,
    /// `date` again.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    issued_at: String,
    /// `date` again.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    issued_date: String,
    /// Until when it is to be paid.
    #[schema(format = DateTime, example = "2026-02-14T09:30:00.000000Z")]
    due_date: Option<String>,
    /// When it was.
    #[schema(format = DateTime, example = "2026-02-01T12:00:00.000000Z")]
    paid_at: Option<String>,
    /// `paid_at` again.
    #[schema(format = DateTime, example = "2026-02-01T12:00:00.000000Z")]
    paid_date: Option<String>,
    /// When the time begins that it is for.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    period_start: Option<String>,
    /// When it ends.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    period_end: Option<String>,
    /// What people call the plan that it is for.
    #[schema(example = "Starter")]
    tier_name: Option<String>,
    /// `monthly` or `yearly`.
    #[schema(example = "monthly")]
    billing_cycle: Option<&'static str>,
    /// One line about it.
    #[schema(example = "Starter (monthly)")]
    description: String,
    /// The payment provider's page for it.
    #[schema(format = "uri-reference", example = json!(null))]
    invoice_url: Option<String>,
    /// Its document: a path of this site. A draft has none.
    #[schema(
        format = "uri-reference",
        example = "/api/v1/billing/invoices/in_01890a5d-ac96-774b-bcce-b302099a8057/pdf"
    )]
    pdf_url: Option<String>,
    /// Who made it: `stripe`, `lago` or `manual`.
    #[schema(example = "manual")]
    provider: &'static str,
}

impl InvoiceBody {
    /// This one.
    pub(in crate::routes) fn new(invoice: &Invoice, names: &Names) -> Self {
        let (issued, paid) = (time(invoice.issued_at), invoice.paid_at.map(time));
        Self {
            id: invoice.id.to_string(),
            number: invoice.number.clone(),
            invoice_number: invoice.number.clone(),
            amount: major(invoice.total),
            amount_cents: invoice.total.minor,
            currency: invoice.total.currency.to_string(),
            status: invoice.status.as_str(),
            date: issued.clone(),
            issued_at: issued.clone(),
            issued_date: issued,
            due_date: invoice.due_at.map(time),
            paid_at: paid.clone(),
            paid_date: paid,
            period_start: invoice.period.map(|period| time(period.start)),
            period_end: invoice.period.map(|period| time(period.end)),
            tier_name: invoice.plan.as_deref().map(|plan| names.of(plan)),
            billing_cycle: invoice.cycle.map(Cycle::as_str),
            description: invoice.description.clone(),
            invoice_url: invoice.hosted_url.clone(),
            pdf_url: (invoice.status != InvoiceStatus::Draft).then(|| document_path(invoice)),
            provider: invoice.provider.as_str(),
        }
    }
}

/// An invoice with all that stands on it.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoiceDetails)]
pub(in crate::routes::billing) struct InvoiceDetails {
    #[serde(flatten)]
    invoice: InvoiceBody,
    /// Its lines.
    lines: Vec<LineBody>,
    /// Before tax, in minor units.
    #[schema(example = 1900)]
    subtotal_cents: i64,
    /// The tax, in minor units.
    #[schema(example = 0)]
    tax_cents: i64,
    /// `amount_cents` again.
    #[schema(example = 1900)]
    total_cents: i64,
    /// Who it is for.
    customer: InvoiceCustomer,
    /// What was paid for it.
    payments: Vec<PaymentBody>,
}

/// A line of an invoice.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoiceLine)]
struct LineBody {
    /// What it is for.
    #[schema(example = "Starter (monthly)")]
    description: String,
    /// How many.
    #[schema(example = 1)]
    quantity: u32,
    /// What one costs, in minor units; negative for a credit.
    #[schema(example = 1900)]
    unit_amount_cents: i64,
    /// All of them, in minor units.
    #[schema(example = 1900)]
    amount_cents: i64,
    /// When the time begins that it is for.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    period_start: Option<String>,
    /// When it ends.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    period_end: Option<String>,
}

/// Who an invoice is for, as that was when it was made.
#[derive(Serialize, ToSchema)]
struct InvoiceCustomer {
    /// The organization's name.
    #[schema(example = "Acme")]
    name: String,
    /// Where its bills go.
    #[schema(example = "ada@example.com")]
    email: String,
}

/// A payment for an invoice.
#[derive(Serialize, ToSchema)]
#[schema(as = InvoicePayment)]
struct PaymentBody {
    /// When.
    #[schema(format = DateTime, example = "2026-02-01T12:00:00.000000Z")]
    paid_at: String,
    /// How much, in `currency`.
    #[schema(example = 19.0)]
    amount: f64,
    /// The same in minor units.
    #[schema(example = 1900)]
    amount_cents: i64,
    /// How.
    #[schema(example = "card visa 4242")]
    method: String,
}

impl InvoiceDetails {
    /// This one.
    pub(in crate::routes::billing) fn new(invoice: &Invoice, names: &Names) -> Self {
        let (name, email) = invoice.customer.clone();
        let payment = |payment: &InvoicePayment| PaymentBody {
            paid_at: time(payment.at),
            amount: major(Money::new(payment.amount_minor, invoice.total.currency)),
            amount_cents: payment.amount_minor,
            method: payment.method.clone(),
        };
        Self {
            invoice: InvoiceBody::new(invoice, names),
            lines: invoice.lines.iter().map(LineBody::from).collect(),
            subtotal_cents: invoice.subtotal_minor,
            tax_cents: invoice.tax_minor,
            total_cents: invoice.total.minor,
            customer: InvoiceCustomer { name, email },
            payments: invoice.payments.iter().map(payment).collect(),
        }
    }
}

impl From<&InvoiceLine> for LineBody {
    fn from(line: &InvoiceLine) -> Self {
        Self {
            description: line.description.clone(),
            quantity: line.quantity,
            unit_amount_cents: line.unit_minor,
            amount_cents: line.amount_minor,
            period_start: line.period.map(|period| time(period.start)),
            period_end: line.period.map(|period| time(period.end)),
        }
    }
}

/// An invoice that a change of plan waits for.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct InvoiceDue {
    /// Its name here.
    #[schema(example = "in_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// What people call it.
    #[schema(example = "INV-2026-000001")]
    number: Option<String>,
    /// What is to be paid, in `currency`.
    #[schema(example = 19.0)]
    amount: f64,
    /// The same in minor units.
    #[schema(example = 1900)]
    amount_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// Until when it is to be paid.
    #[schema(format = DateTime, example = "2026-02-14T09:30:00.000000Z")]
    due_date: Option<String>,
}

impl From<&Invoice> for InvoiceDue {
    fn from(invoice: &Invoice) -> Self {
        Self {
            id: invoice.id.to_string(),
            number: invoice.number.clone(),
            amount: major(invoice.total),
            amount_cents: invoice.total.minor,
            currency: invoice.total.currency.to_string(),
            due_date: invoice.due_at.map(time),
        }
    }
}

/// An invoice was charged again.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::billing) struct InvoiceRetried {
    /// Whether it is paid now.
    #[schema(example = true)]
    success: bool,
    /// The invoice.
    #[schema(example = "in_01890a5d-ac96-774b-bcce-b302099a8057")]
    invoice_id: String,
    /// Where it stands.
    #[schema(example = "paid")]
    status: &'static str,
    /// The same, for people.
    #[schema(example = "the invoice is paid")]
    detail: &'static str,
}

impl From<&Invoice> for InvoiceRetried {
    fn from(invoice: &Invoice) -> Self {
        let success = invoice.status == InvoiceStatus::Paid;
        let detail = if success { "the invoice is paid" } else { "the payment was tried again; it is not made yet" };
        Self { success, invoice_id: invoice.id.to_string(), status: invoice.status.as_str(), detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;

    #[test]
    fn a_list_is_asked_for_by_state_and_time() {
        let text = |value: &str| Some(value.to_owned());
        let query = || InvoicesQuery { from: text("2026-01-01T00:00:00Z"), status: text("open"), ..Default::default() };
        let (filter, page) = query().read().unwrap();
        assert_eq!(
            (filter.status, filter.from.map(time)),
            (Some(InvoiceStatus::Open), text("2026-01-01T00:00:00.000000Z"))
        );
        assert_eq!((filter.to, page), (None, Page::default()));
        for (wrong, pointer) in [
            (InvoicesQuery { limit: Some(0), ..query() }, "?limit"),
            (InvoicesQuery { limit: Some(201), ..query() }, "?limit"),
            (InvoicesQuery { status: text("unpaid"), ..query() }, "?status"),
            (InvoicesQuery { from: text("2026-01-01"), ..query() }, "?from"),
            (InvoicesQuery { to: text("\0"), ..query() }, "?to"),
        ] {
            let body = wrong.read().unwrap_err().body(&Place::default());
            assert_eq!((body.status, body.errors.unwrap()[0].pointer.as_str()), (422, pointer));
        }
    }
}
