use billing_core::{Invoice, InvoiceStatus};

use crate::{
    company::CompanyDetails,
    figure::{amount, day, days},
    font::Style,
    page::{Area, Ink, LABEL, MARGIN, RIGHT, Sheets, WIDTH},
    text::{clean, clean_lines},
};

/// Where the facts about the invoice begin, and the room of what stands left of them.
const FACTS: f32 = 345.0;
const PARTY: f32 = FACTS - MARGIN - 30.0;
const SMALL: (Style, Ink) = (Style::regular(9.0), Ink::TEXT);
/// At most so many lines of an address.
const ADDRESS_LINES: usize = 8;

/// What people call the invoice; a draft has no number.
pub(crate) fn name(invoice: &Invoice) -> String {
    let number = invoice.number.as_deref().map(clean).filter(|number| !number.is_empty());
    number.unwrap_or_else(|| "Draft".to_owned())
}

/// What is still to be paid, in minor units; negative is a credit.
pub(crate) fn due(invoice: &Invoice) -> i64 {
    let paid = |sum: i64, minor: i64| sum.saturating_add(minor);
    match invoice.status {
        InvoiceStatus::Paid | InvoiceStatus::Void => 0,
        InvoiceStatus::Draft | InvoiceStatus::Open | InvoiceStatus::Failed => {
            let payments = invoice.payments.iter().map(|payment| payment.amount_minor);
            invoice.total.minor.saturating_sub(payments.fold(0, paid))
        }
    }
}

/// Everything above the table.
pub(crate) fn head(sheets: &mut Sheets<'_>, company: &CompanyDetails, invoice: &Invoice) {
    sheets.area(Area { x: 0.0, y: 0.0, width: WIDTH, height: 6.0 }, 0.0, Ink::ACCENT);
    sheets.y = 44.0;
    sender(sheets, company);
    let left = sheets.y;
    sheets.text_to(RIGHT, 64.0, (Style::bold(24.0), Ink::ACCENT), "INVOICE");
    mark(sheets, invoice.status, 74.0);
    sheets.y = left.max(104.0) + 20.0;
    sheets.rule(sheets.y);
    let top = sheets.y + 10.0;
    sheets.y = top;
    receiver(sheets, invoice);
    let party = sheets.y;
    sheets.y = top;
    facts(sheets, invoice);
    sheets.y = sheets.y.max(party) + 24.0;
    summary(sheets, invoice);
}

fn sender(sheets: &mut Sheets<'_>, company: &CompanyDetails) {
    sheets.block(MARGIN, PARTY, 3, (Style::bold(13.0), Ink::TEXT), &clean(&company.name));
    sheets.y += 2.0;
    let quiet = (Style::regular(8.5), Ink::QUIET);
    for line in company.address.iter().flat_map(|line| clean_lines(line)).take(ADDRESS_LINES) {
        sheets.block(MARGIN, PARTY, 2, quiet, &line);
    }
    let tax_id = clean(&company.tax_id);
    if !tax_id.is_empty() {
        sheets.block(MARGIN, PARTY, 2, quiet, &format!("Tax ID {tax_id}"));
    }
}

/// Where the invoice stands, as a word on a coloured ground.
fn mark(sheets: &mut Sheets<'_>, status: InvoiceStatus, y: f32) {
    let (word, ink) = match status {
        InvoiceStatus::Draft => ("DRAFT", Ink::QUIET),
        InvoiceStatus::Open => ("TO BE PAID", Ink::ACCENT),
        InvoiceStatus::Paid => ("PAID", Ink::GOOD),
        InvoiceStatus::Failed => ("PAYMENT FAILED", Ink::BAD),
        InvoiceStatus::Void => ("VOID", Ink::QUIET),
    };
    let style = Style::bold(9.0);
    let width = sheets.fonts.width(style, word) + 20.0;
    sheets.area(Area { x: RIGHT - width, y, width, height: 18.0 }, 4.0, ink);
    sheets.text_to(RIGHT - 10.0, y + 12.3, (style, Ink::WHITE), word);
}

fn receiver(sheets: &mut Sheets<'_>, invoice: &Invoice) {
    sheets.block(MARGIN, PARTY, 1, LABEL, "BILLED TO");
    sheets.y += 3.0;
    let (name, address) = &invoice.customer;
    sheets.block(MARGIN, PARTY, 4, (Style::bold(10.0), Ink::TEXT), &clean(name));
    for line in clean_lines(address).iter().take(ADDRESS_LINES) {
        sheets.block(MARGIN, PARTY, 2, SMALL, line);
    }
}

fn facts(sheets: &mut Sheets<'_>, invoice: &Invoice) {
    let mut fact = |label: &str, value: &str| {
        sheets.y += 14.0;
        sheets.text(FACTS, sheets.y, (Style::regular(9.0), Ink::QUIET), label);
        let shown = crate::text::wrap(sheets.fonts, SMALL.0, value, RIGHT - FACTS - 74.0, 1);
        for line in shown {
            sheets.text_to(RIGHT, sheets.y, SMALL, &line);
        }
    };
    fact("Invoice number", &name(invoice));
    fact("Issued", &day(invoice.issued_at));
    if let Some(due) = invoice.due_at {
        fact("Due", &day(due));
    }
    if let Some(paid) = invoice.paid_at {
        fact("Paid", &day(paid));
    }
    if let Some(period) = &invoice.period {
        fact("Period", &days(period));
    }
    if let Some(cycle) = invoice.cycle {
        fact("Billed", cycle.as_str());
    }
}

/// The one thing that everybody looks for: how much, and until when.
fn summary(sheets: &mut Sheets<'_>, invoice: &Invoice) {
    let total = amount(invoice.total.minor, invoice.total.currency);
    let due = amount(due(invoice), invoice.total.currency);
    let sentence = match (invoice.status, invoice.paid_at, invoice.due_at) {
        (InvoiceStatus::Paid, Some(at), _) => format!("{total} paid on {}", day(at)),
        (InvoiceStatus::Paid, None, _) => format!("{total} paid"),
        (InvoiceStatus::Void, ..) => format!("{total}, not to be paid"),
        (InvoiceStatus::Draft, ..) => format!("{total}, not issued yet"),
        (_, _, Some(at)) if invoice.total.is_positive() => format!("{due} due by {}", day(at)),
        _ => due,
    };
    sheets.block(MARGIN, RIGHT - MARGIN, 2, (Style::bold(14.5), Ink::TEXT), &sentence);
    let about = clean(&invoice.description);
    if !about.is_empty() {
        sheets.y += 1.0;
        sheets.block(MARGIN, RIGHT - MARGIN, 3, (Style::regular(9.0), Ink::QUIET), &about);
    }
    sheets.y += 16.0;
}

/// The top of a page that is not the first one.
pub(crate) fn running_head(sheets: &mut Sheets<'_>, company: &CompanyDetails, invoice: &Invoice) {
    sheets.area(Area { x: 0.0, y: 0.0, width: WIDTH, height: 6.0 }, 0.0, Ink::ACCENT);
    let look = (Style::regular(8.0), Ink::QUIET);
    sheets.y = 30.0;
    sheets.block(MARGIN, 300.0, 1, look, &clean(&company.name));
    sheets.text_to(RIGHT, sheets.y, look, &format!("Invoice {}", name(invoice)));
    sheets.y += 20.0;
}
