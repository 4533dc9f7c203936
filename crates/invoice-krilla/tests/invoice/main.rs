//! Documents, read back by poppler's `pdftotext` and `pdfinfo`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod document;
mod sample;
mod text;
