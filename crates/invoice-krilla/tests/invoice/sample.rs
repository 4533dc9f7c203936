use billing_core::{
    Cycle, Invoice, InvoiceLine, InvoicePayment, InvoicePrinter, InvoiceStatus, Money, PaymentProvider,
};
use invoice_krilla::{CompanyDetails, KrillaPrinter};
use kernel::testing::manual_ambient;
use kernel::{InvoiceId, OrgId, Period, Timestamp};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn company() -> CompanyDetails {
    CompanyDetails {
        name: "Nordlicht Rechenzentrum GmbH".to_owned(),
        address: vec!["Hafenstraße 12".to_owned(), "20457 Hamburg".to_owned(), "Germany".to_owned()],
        tax_id: "DE 123 456 789".to_owned(),
    }
}

pub fn line(description: &str, quantity: u32, unit_minor: i64) -> InvoiceLine {
    let amount_minor = unit_minor * i64::from(quantity);
    let period = Period { start: at("2026-11-01T00:00:00Z"), end: at("2026-12-01T00:00:00Z") };
    InvoiceLine { description: description.to_owned(), quantity, unit_minor, amount_minor, period: Some(period) }
}

/// An open invoice with these lines, and a tenth of tax.
pub fn invoice(currency: &str, lines: Vec<InvoiceLine>) -> Invoice {
    let (_, ambient) = manual_ambient(1);
    let subtotal_minor: i64 = lines.iter().map(|line| line.amount_minor).sum();
    let tax_minor = subtotal_minor / 10;
    Invoice {
        id: InvoiceId::mint(&ambient),
        org: OrgId::mint(&ambient),
        provider: PaymentProvider::Manual,
        external: None,
        number: Some("INV-2026-000042".to_owned()),
        status: InvoiceStatus::Open,
        subtotal_minor,
        tax_minor,
        total: Money::new(subtotal_minor + tax_minor, currency.parse().unwrap()),
        issued_at: at("2026-11-22T09:30:00Z"),
        due_at: Some(at("2026-12-06T00:00:00Z")),
        paid_at: None,
        period: Some(Period { start: at("2026-11-01T00:00:00Z"), end: at("2026-12-01T00:00:00Z") }),
        plan: Some("professional".to_owned()),
        cycle: Some(Cycle::Monthly),
        description: "Professional, monthly".to_owned(),
        lines,
        payments: Vec::new(),
        customer: ("Žluťoučký kůň s.r.o.".to_owned(), "Vodičkova 699/9\n110 00 Praha 1\nCzechia".to_owned()),
        hosted_url: None,
    }
}

/// The same, paid.
pub fn paid(mut invoice: Invoice) -> Invoice {
    invoice.status = InvoiceStatus::Paid;
    invoice.paid_at = Some(at("2026-11-25T08:00:00Z"));
    let amount_minor = invoice.total.minor;
    invoice.payments =
        vec![InvoicePayment { at: at("2026-11-25T08:00:00Z"), amount_minor, method: "bank transfer".to_owned() }];
    invoice
}

pub fn print(invoice: &Invoice) -> Vec<u8> {
    KrillaPrinter::new(company()).unwrap().print(invoice).unwrap()
}
