//! The whole server in process, for tests: ours, and those of a platform that builds on Ops Center.
//!
//! ```no_run
//! # async fn example() {
//! use std::time::Duration;
//! use serde_json::json;
//! use testkit::TestApp;
//!
//! let app = TestApp::new().await; // SQLite, a free port, a database of its own
//! let ada = app.owner("ada@example.com", "Acme").await;
//! ada.post("/api/v1/org/members").json(&json!({ "email": "bob@example.com", "role": "member" })).await.expect(202);
//! assert_eq!(app.mails()[0].to, "bob@example.com");
//!
//! app.clock.advance(Duration::from_secs(3600)); // longer than a session may idle
//! ada.get("/api/v1/auth/me").await.expect(401);
//! # }
//! ```
//!
//! [`TestApp::each`] runs one body on every backend. The servers are named by `OPS_CENTER_TEST_POSTGRES` and `OPS_CENTER_TEST_REDIS`
//! (`scripts/test` starts both); a backend whose server is missing is skipped with a line on standard error, and fails under `CI`.
//!
//! Every client sends an address of its own as `X-Forwarded-For`, so that tests are not slowed down by each other's sign-ins, and
//! hashes cost next to nothing. Everything else is the real wiring.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::missing_panics_doc, reason = "every method panics when the test cannot go on")]

mod answer;
mod app;
mod backend;
mod client;
mod clock;
mod database;
mod host;
mod lago;
mod mail;
mod provider;
mod stripe;
mod user;

pub use self::{
    answer::Answer,
    app::{Builder, TestApp},
    backend::{Backend, redis_url},
    client::{Client, Request, http_client},
    clock::TestClock,
    database::Place,
    lago::{FakeLago, LagoEvent, LagoFault, LagoPlan},
    mail::Mail,
    provider::{FakeProvider, ProviderAnswer, ProviderRequest},
    stripe::{FakeStripe, StripeCall, StripeEvent, StripeFault, StripePrice, StripeShape},
    user::TestUser,
};
