//! Metering. The ledger is the truth; counters, days and what is held are derived from it, and move in its transaction.
//!
//! On PostgreSQL whoever changes any of an organization's rows first locks its row of `usage_account`; SQLite has one writer at a time.
//! So between reading and writing nothing of the organization moves, and what is read may be decided upon in memory. Who wants the rows
//! of several organizations takes those that are free and leaves the others for later: nobody waits for one while holding another.
mod admit;
pub(crate) mod books;
mod derived;
mod key;
pub(crate) mod ledger;
mod postgres;
pub(crate) mod reader;
mod recent;
mod reservation;
mod reset;
pub(crate) mod row;
mod sheet;
mod sqlite;
mod standing;
mod turn;
