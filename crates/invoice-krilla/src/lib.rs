//! Invoices of the manual provider as PDF documents: billing-core's `InvoicePrinter` over krilla.
//!
//! A document is made of the invoice and the [`CompanyDetails`] alone: the same two give the same bytes, at any time and on any machine.
//! It is A4, holds text that can be searched and copied, and nothing that a reader would run, open or fetch.
//!
//! Names may be in any script. `DejaVu` Sans, which is embedded as a subset, has Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and
//! Arabic among others; of a script that it lacks a box is drawn for each character, and the text below it can still be copied.
//!
//! Why krilla: it is pure Rust, writes tagged text and font subsets by itself, and takes a fraction of typst's time to build.

mod company;
mod content;
mod figure;
mod font;
mod lines;
mod page;
mod printer;
mod text;

pub use self::{company::CompanyDetails, printer::KrillaPrinter};
