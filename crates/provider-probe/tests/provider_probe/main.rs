//! The guarded probe against servers of the test's own: what it sends, what it makes of answers, and where it never goes.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod corpus;
mod dns;
mod environment;
mod limits;
mod namespace;
mod rebinding;
mod requests;
mod server;
mod setting;
mod time;
mod verdicts;
