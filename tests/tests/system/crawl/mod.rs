//! Instruments of the tests that walk every operation of the document.
//!
//! Requests go through a client of our own, byte for byte: headers twice, paths that a polite client would tidy up, bodies that end
//! early. Every answer that it sees is kept, so that a test can hold all of them against the document.

pub(crate) mod document;
pub(crate) mod person;
pub(crate) mod sample;
pub(crate) mod schema;
pub(crate) mod site;
pub(crate) mod wire;
