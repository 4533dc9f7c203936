//! Money: accounts, the books, invoices, what providers sent and what they are asked to do.
pub(crate) mod accounts;
mod entitle;
pub(crate) mod inbox;
mod invoice_row;
pub(crate) mod invoices;
pub(crate) mod outbox;
mod post;
mod row;
