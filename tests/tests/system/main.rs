//! The system from outside: over HTTP, against servers of the test's own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::large_futures,
    clippy::trivially_copy_pass_by_ref,
    reason = "a test fails by panicking"
)]

mod api_keys;
mod authz;
mod avatar;
mod billing;
mod byok;
mod crawl;
mod csrf;
mod faults;
mod foreign;
mod headers;
mod invitation;
mod lifecycle;
mod login;
mod metering;
mod openapi;
mod organization;
mod plans;
mod profile;
mod race;
mod rate_limit;
mod rig;
mod robustness;
mod session;
mod stranger;
mod tenancy;
mod tier_headers;
mod walkthrough;
