//! Prints an invoice into a file, and says how long a document takes:
//!
//!     cargo run --profile perf -p invoice-krilla --example print_invoice -- invoice.pdf [LINES]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "an example, which measures")]

use std::time::Instant;

use billing_core::{
    Cycle, Invoice, InvoiceLine, InvoicePayment, InvoicePrinter, InvoiceStatus, Money, PaymentProvider,
};
use invoice_krilla::{CompanyDetails, KrillaPrinter};
use kernel::{InvoiceId, OrgId, Period, Timestamp, testing::manual_ambient};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "invoice.pdf".to_owned());
    let lines = arguments.next().map_or(4, |lines| lines.parse().unwrap());
    let company = CompanyDetails {
        name: "Nordlicht Rechenzentrum GmbH".to_owned(),
        address: ["Hafenstraße 12", "20457 Hamburg", "Germany"].map(str::to_owned).to_vec(),
        tax_id: "DE 123 456 789".to_owned(),
    };
    let (start, printer) = (Instant::now(), KrillaPrinter::new(company).unwrap());
    println!("reading the fonts: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let invoice = sample(lines);
    let mut took: Vec<f64> = (0..20)
        .map(|_| {
            let start = Instant::now();
            assert!(printer.print(&invoice).unwrap().starts_with(b"%PDF-"));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    println!("a PDF of {lines} lines: {:.2} ms (median of {}), {:.2} ms (slowest)", took[10], took.len(), took[19]);
    std::fs::write(&file, printer.print(&invoice).unwrap()).unwrap();
    println!("{file}");
}

fn sample(lines: u32) -> Invoice {
    let (_, ambient) = manual_ambient(1);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let period = Period { start: at("2026-11-01T00:00:00Z"), end: at("2026-12-01T00:00:00Z") };
    let lines: Vec<_> = (0..lines)
        .map(|number| {
            let (description, quantity, unit_minor) = match number % 4 {
                0 => ("Professional, 12 seats", 12, 4_900),
                1 => ("API calls beyond the plan, by the thousand, counted in all regions together", 1_250, 15),
                2 => ("Priority support", 1, 25_000),
                _ => ("Credit for unused time on Starter", 1, -1_267),
            };
            let amount_minor = i64::from(quantity) * unit_minor;
            InvoiceLine {
                description: description.to_owned(),
                quantity,
                unit_minor,
                amount_minor,
                period: Some(period),
            }
        })
        .collect();
    let subtotal_minor = lines.iter().map(|line| line.amount_minor).sum();
    let tax_minor = subtotal_minor * 19 / 100;
    let total = Money::new(subtotal_minor + tax_minor, "EUR".parse().unwrap());
    let paid = InvoicePayment {
        at: at("2026-11-25T08:00:00Z"),
        amount_minor: total.minor,
        method: "bank transfer 2026-11-25".to_owned(),
    };
    Invoice {
        id: InvoiceId::mint(&ambient),
        org: OrgId::mint(&ambient),
        provider: PaymentProvider::Manual,
        external: None,
        number: Some("INV-2026-000042".to_owned()),
        status: InvoiceStatus::Paid,
        subtotal_minor,
        tax_minor,
        total,
        issued_at: at("2026-11-22T09:30:00Z"),
        due_at: Some(at("2026-12-06T00:00:00Z")),
        paid_at: Some(paid.at),
        period: Some(period),
        plan: Some("professional".to_owned()),
        cycle: Some(Cycle::Monthly),
        description: "Professional, monthly, with what was used in October".to_owned(),
        lines,
        payments: vec![paid],
        customer: (
            "Žluťoučký kůň & Σία s.r.o.".to_owned(),
            "Vodičkova 699/9\n110 00 Praha 1\nCzechia\nbilling@kun.example".to_owned(),
        ),
        hosted_url: None,
    }
}
