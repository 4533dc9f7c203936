//! The document of an invoice.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use billing_core::{Document, Invoice};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

use crate::Answer;
use crate::endpoint::{Doc, Reply};

/// Where it is on this site.
pub(super) fn document_path(invoice: &Invoice) -> String {
    format!("/api/v1/billing/invoices/{}/pdf", invoice.id)
}

/// Where the document of an invoice is.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::billing) struct DocumentLink {
    /// A path of this site, for whoever is signed in.
    #[schema(
        format = "uri-reference",
        example = "/api/v1/billing/invoices/in_01890a5d-ac96-774b-bcce-b302099a8057/pdf"
    )]
    pdf_url: String,
    /// What people call the invoice; a draft has its id.
    #[schema(example = "INV-2026-000001")]
    invoice_number: String,
    /// For how many seconds the path is good at least: it does not change.
    #[schema(example = 3600)]
    expires_in: u32,
}

impl From<&Invoice> for DocumentLink {
    fn from(invoice: &Invoice) -> Self {
        let invoice_number = invoice.number.clone().unwrap_or_else(|| invoice.id.to_string());
        Self { pdf_url: document_path(invoice), invoice_number, expires_in: 3600 }
    }
}

/// The document of an invoice, or where it is.
pub(in crate::routes::billing) enum InvoiceDocument {
    /// The document.
    Pdf(Document),
    /// Where it is.
    Link(DocumentLink),
}

impl Reply for InvoiceDocument {
    fn reply(self) -> HttpResponse {
        match self {
            Self::Link(link) => Answer::<_, 200>::new(link).header("Vary", "Accept").reply(),
            Self::Pdf(document) => HttpResponse::Ok()
                .insert_header((CONTENT_TYPE, "application/pdf"))
                .insert_header((CONTENT_DISPOSITION, attachment(&document.number)))
                .insert_header((VARY, "Accept"))
                .body(document.bytes),
        }
    }

    fn describe(doc: &mut Doc) {
        Answer::<DocumentLink, 200>::describe(doc);
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build();
        let text = "The document; whoever asks for JSON is told where it is.";
        doc.typed_answer(200, text, "application/pdf", RefOr::T(Schema::Object(schema)));
    }
}

/// Numbers of other people's making may have any character: those that a header or a file name has a meaning for are replaced.
fn attachment(number: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let name: String = number.chars().map(|letter| if plain(letter) { letter } else { '-' }).collect();
    format!("attachment; filename=\"{name}.pdf\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_name_that_is_one() {
        for (number, name) in [
            ("INV-2026-000001", "INV-2026-000001"),
            ("A1/2", "A1-2"),
            ("\"; filename=x\r\nSet-Cookie: a", "---filename-x--Set-Cookie--a"),
            ("Rechnung ä", "Rechnung--"),
        ] {
            assert_eq!(attachment(number), format!("attachment; filename=\"{name}.pdf\""));
        }
    }
}
