//! What a document is, beside its text.

use invoice_krilla::{CompanyDetails, KrillaPrinter};

use super::sample::{company, invoice, line, paid, print};
use billing_core::InvoicePrinter;

/// The bytes of a document without those of its streams, which are compressed and may hold any bytes. There are no object streams: every
/// dictionary stands in the open.
fn structure(pdf: &[u8]) -> String {
    let text = String::from_utf8_lossy(pdf).into_owned();
    assert!(!text.contains("/ObjStm"), "dictionaries are hidden in a compressed stream");
    let mut kept = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("\nstream") {
        kept.push_str(before);
        rest = after.split_once("endstream").map_or("", |(_, rest)| rest);
    }
    kept + rest
}

#[test]
fn nothing_in_it_runs_opens_or_fetches() {
    let mut hostile = paid(invoice("USD", vec![line("/JS (app.alert(1)) /OpenAction << /S /Launch >>", 1, 1900)]));
    hostile.customer = ("/AA /JavaScript ) endobj".to_owned(), "/EmbeddedFile\n/URI (http://x.test)".to_owned());
    hostile.description = "https://x.test/?a=/JS".to_owned();
    let sender = CompanyDetails { name: ") /JS (".to_owned(), address: vec!["/Launch".to_owned()], ..company() };
    let pdf = KrillaPrinter::new(sender).unwrap().print(&hostile).unwrap();
    // The sender's name is the author, as a string in brackets that are escaped.
    let structure = structure(&pdf).replace(r"\) /JS \(", "");
    for name in [
        "/JS",
        "/JavaScript",
        "/AA",
        "/OpenAction",
        "/Launch",
        "/EmbeddedFile",
        "/URI",
        "/Annots",
        "/AcroForm",
        "/GoToR",
        "/RichMedia",
        "/XFA",
        "/SubmitForm",
        "/ImportData",
    ] {
        assert!(!structure.contains(name), "{name} in {structure}");
    }
}

#[test]
fn an_invoice_is_the_same_bytes_every_time() {
    let one = paid(invoice("EUR", vec![line("Professional", 3, 4900), line("Storage", 12, 150)]));
    let first = print(&one);
    assert_eq!(first, print(&one.clone()));
    let printer = KrillaPrinter::new(company()).unwrap();
    assert_eq!(first, printer.print(&one).unwrap());
    assert_eq!(first, printer.print(&one).unwrap(), "a printer keeps nothing of an invoice");
    let mut other = one;
    other.tax_minor += 1;
    assert_ne!(first, print(&other));
}

#[test]
fn many_printers_at_once_print_the_same() {
    let (printer, one) = (KrillaPrinter::new(company()).unwrap(), invoice("EUR", vec![line("Professional", 1, 4900)]));
    let expected = printer.print(&one).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(printer.print(&one).unwrap(), expected));
        }
    });
}
