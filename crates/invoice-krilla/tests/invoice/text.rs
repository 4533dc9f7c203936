//! What can be read, searched and copied.

use std::io::Write;
use std::process::{Command, Stdio};

use billing_core::{InvoicePrinter, InvoiceStatus};
use invoice_krilla::{CompanyDetails, KrillaPrinter};

use super::sample::{at, company, invoice, line, paid, print};

/// The text of a document, as poppler reads it; `None`, with a line on standard error, where poppler is not installed (not under `CI`).
#[expect(clippy::disallowed_methods, reason = "CI is asked for by every test that may be skipped")]
fn read(pdf: &[u8]) -> Option<String> {
    let mut command = Command::new("pdftotext");
    command.args(["-layout", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut poppler) = command.spawn() else {
        assert!(std::env::var_os("CI").is_none(), "pdftotext is not installed: apt-get install poppler-utils");
        eprintln!("skipped: pdftotext is not installed (Debian: poppler-utils)");
        return None;
    };
    let (mut stdin, pdf) = (poppler.stdin.take().unwrap(), pdf.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&pdf));
    let done = poppler.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && complaints.is_empty(), "{complaints}");
    Some(String::from_utf8(done.stdout).unwrap())
}

/// With single spaces, so that columns do not matter.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has_all(text: &str, expected: &[&str]) {
    let text = squeezed(text);
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn everything_that_an_invoice_needs_is_on_it() {
    let mut open = invoice("EUR", vec![line("Professional", 3, 4900), line("Credit for unused time", 1, -1250)]);
    // The period of the whole invoice is not said again with each line.
    open.lines[0].period = Some(kernel::Period { start: at("2026-10-03T00:00:00Z"), end: at("2026-10-10T00:00:00Z") });
    let Some(text) = read(&print(&open)) else { return };
    has_all(
        &text,
        &[
            "INVOICE",
            "TO BE PAID",
            "Nordlicht Rechenzentrum GmbH",
            "Hafenstraße 12",
            "20457 Hamburg",
            "Tax ID DE 123 456 789",
            "BILLED TO",
            "Žluťoučký kůň s.r.o.",
            "Vodičkova 699/9",
            "110 00 Praha 1",
            "Invoice number INV-2026-000042",
            "Issued 22 Nov 2026",
            "Due 6 Dec 2026",
            "Period 1 Nov 2026 – 30 Nov 2026",
            "147.95 EUR due by 6 Dec 2026",
            "Description Quantity Unit price Amount (EUR)",
            "Professional 3 49.00 147.00",
            "3 Oct 2026 – 9 Oct 2026",
            "Credit for unused time 1 -12.50 -12.50",
            "Subtotal 134.50 EUR",
            "Tax 13.45 EUR",
            "Total 147.95 EUR",
            "Page 1 of 1",
        ],
    );
}

#[test]
fn a_paid_invoice_says_so_and_what_was_paid() {
    let Some(text) = read(&print(&paid(invoice("USD", vec![line("Starter", 1, 1900)])))) else { return };
    has_all(
        &text,
        &[
            "PAID",
            "20.90 USD paid on 25 Nov 2026",
            "Paid 25 Nov 2026 · bank transfer -20.90 USD",
            "Amount due 0.00 USD",
        ],
    );
    assert!(!text.contains("TO BE PAID"), "{text}");
}

#[test]
fn every_status_has_its_mark() {
    for (status, mark) in [
        (InvoiceStatus::Draft, "DRAFT"),
        (InvoiceStatus::Open, "TO BE PAID"),
        (InvoiceStatus::Paid, "PAID"),
        (InvoiceStatus::Failed, "PAYMENT FAILED"),
        (InvoiceStatus::Void, "VOID"),
    ] {
        let mut one = invoice("USD", vec![line("Starter", 1, 1900)]);
        (one.status, one.number) = (status, None);
        let Some(text) = read(&print(&one)) else { return };
        has_all(&text, &[mark, "Invoice number Draft"]);
    }
}

#[test]
fn a_thousand_lines_are_all_there_on_numbered_pages() {
    let lines = (1..=1_000).map(|number| line(&format!("Entry number {number:04}"), number, 100)).collect();
    let Some(text) = read(&print(&invoice("USD", lines))) else { return };
    let pages: Vec<_> = text.split('\u{c}').filter(|page| !page.trim().is_empty()).collect();
    assert!(pages.len() > 20, "{}", pages.len());
    for (before, page) in pages.iter().enumerate() {
        has_all(page, &[&format!("Page {} of {}", before + 1, pages.len()), "INV-2026-000042"]);
    }
    for number in 1..=1_000 {
        assert_eq!(text.matches(&format!("Entry number {number:04}")).count(), 1, "{number}");
    }
    has_all(pages.last().unwrap(), &["Total 550,550.00 USD"]);
}

#[test]
fn currencies_keep_their_digits() {
    for (currency, total, unit) in [("JPY", "Total 5,390 JPY", "4,900"), ("KWD", "Total 5.390 KWD", "4.900")] {
        let Some(text) = read(&print(&invoice(currency, vec![line("Professional", 1, 4900)]))) else { return };
        has_all(&text, &[total, &format!("Professional 1 {unit} {unit}")]);
    }
}

#[test]
fn a_credit_is_negative() {
    let Some(text) = read(&print(&invoice("USD", vec![line("Returned", 2, -1_000_000)]))) else { return };
    has_all(&text, &["Returned 2 -10,000.00 -20,000.00", "Total -22,000.00 USD", "Credit -22,000.00 USD"]);
}

#[test]
fn line_breaks_and_control_characters_stay_in_their_place() {
    let mut one = invoice("USD", vec![line("Starter\r\nTotal 0.00 USD\u{0}\u{7}\u{1b}[31m", 1, 1900)]);
    one.customer = ("Acme\r\nInc\u{202e}\u{feff}".to_owned(), "1 Road\r\n\r\n\tTown\u{b}\u{85}\nLand".to_owned());
    one.description = "first\u{0}second\nthird".to_owned();
    let Some(text) = read(&print(&one)) else { return };
    has_all(&text, &["Starter Total 0.00 USD [31m", "Acme Inc", "1 Road", "Town", "Land", "first second third"]);
    assert!(text.chars().all(|c| !c.is_control() || "\n\u{c}".contains(c)), "{text:?}");
}

#[test]
fn names_of_every_script_are_readable_or_at_least_there() {
    for name in [
        "Ελληνικά Α.Ε.",
        "ООО «Ёлка»",
        "Հայաստան",
        "საქართველო",
        "Việt Nam Đồng",
        "株式会社 東京",
        "हिन्दी",
        "👩‍👩‍👧 Ltd",
        "שלום",
        "مرحبا",
    ] {
        let mut one = invoice("USD", vec![line(name, 1, 1900)]);
        one.customer.0 = name.to_owned();
        let sender = CompanyDetails { name: name.to_owned(), ..company() };
        let pdf = KrillaPrinter::new(sender).unwrap().print(&one).unwrap();
        let Some(text) = read(&pdf) else { return };
        // Readers put marks around what runs from right to left.
        let plain: String = text.chars().filter(|c| !matches!(c, '\u{200e}'..='\u{202e}')).collect();
        has_all(&plain, &[name, "Total 20.90 USD"]);
    }
}

#[test]
fn names_without_end_are_cut_and_nothing_leaves_the_page() {
    for long in ["W".repeat(10_000), "word ".repeat(5_000), "e\u{301}".repeat(5_000), "東".repeat(5_000)] {
        let mut one = paid(invoice("USD", vec![line(&long, u32::MAX, 1), line("Starter", 1, i64::MAX / 4)]));
        one.number = Some(long.clone());
        one.customer = (long.clone(), format!("{long}\n").repeat(20));
        one.description.clone_from(&long);
        one.payments[0].method.clone_from(&long);
        let sender = CompanyDetails { name: long.clone(), address: vec![long.clone(); 30], tax_id: long };
        let pdf = KrillaPrinter::new(sender).unwrap().print(&one).unwrap();
        let Some(text) = read(&pdf) else { return };
        has_all(&text, &["…", "Starter", "4,294,967,295", "Amount due 0.00 USD", "Page 1 of"]);
    }
}
