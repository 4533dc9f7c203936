//! The HTTP side: routes, wire types, problems, pages and middleware over the cores. Knows no other adapter.
//!
//! [`app`] is the whole thing; [`routes`] has the areas one by one, for an application that mounts some of them under its own
//! [`identify::Identify`].

mod answer;
mod app;
pub mod caller;
mod cookie;
pub mod endpoint;
mod idempotency;
pub mod identify;
pub mod input;
mod metrics;
pub mod middleware;
mod openapi;
pub mod pages;
pub mod problem;
mod public;
pub mod rate_limit;
mod readiness;
pub mod routes;
mod site;
mod webhook;
mod wire;

pub use self::{
    answer::{Answer, Created, Raw},
    app::{Services, app, csrf_exempt, openapi, private_app},
    idempotency::KeyedIdempotency,
    metrics::Metrics,
    readiness::{Dependency, Readiness},
    site::{Environment, Site},
    webhook::{WebhookVerifier, Webhooks},
};
