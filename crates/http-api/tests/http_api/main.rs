//! The application over doubles: what goes over the wire when no server, database or browser is there.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bridge;
mod browser;
mod house;
mod pages;
mod till;
