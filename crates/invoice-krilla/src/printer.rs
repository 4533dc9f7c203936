use billing_core::{Invoice, InvoicePrinter};
use chrono::{Datelike, Timelike};
use kernel::{StoreError, Timestamp};
use krilla::{
    Document,
    metadata::{DateTime, Metadata},
};

use crate::{
    company::CompanyDetails,
    content::{head, name},
    font::Fonts,
    lines::Table,
    page::Sheets,
    text::clean,
};

/// [`InvoicePrinter`] over krilla.
pub struct KrillaPrinter {
    company: CompanyDetails,
    fonts: Fonts,
}

impl KrillaPrinter {
    /// A printer of this company's invoices. `StoreError::Broken` when the embedded fonts cannot be read.
    pub fn new(company: CompanyDetails) -> Result<Self, StoreError> {
        Ok(Self { company, fonts: Fonts::new()? })
    }

    fn metadata(&self, invoice: &Invoice) -> Metadata {
        Metadata::new()
            .title(format!("Invoice {}", name(invoice)))
            .authors(vec![clean(&self.company.name)])
            .creator("Ops Center".to_owned())
            .language("en".to_owned())
            .document_id(invoice.id.to_string())
            .creation_date(date(invoice.issued_at))
    }
}

impl InvoicePrinter for KrillaPrinter {
    fn print(&self, invoice: &Invoice) -> Result<Vec<u8>, StoreError> {
        let mut sheets = Sheets::new(&self.fonts);
        head(&mut sheets, &self.company, invoice);
        Table { sheets: &mut sheets, company: &self.company, invoice }.set();
        let mut document = Document::new();
        document.set_metadata(self.metadata(invoice));
        let foot = [clean(&self.company.name), format!("Invoice {}", name(invoice))];
        let foot: Vec<_> = foot.into_iter().filter(|part| !part.is_empty()).collect();
        sheets.write(&mut document, &foot.join(" · "))?;
        document.finish().map_err(|error| StoreError::broken(format!("the invoice cannot be written: {error}")))
    }
}

/// The time of a document is the invoice's: no clock is read, so the same invoice is the same bytes.
fn date(at: Timestamp) -> DateTime {
    let small = |value: u32| u8::try_from(value).unwrap_or_default();
    DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
}
