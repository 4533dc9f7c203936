//! Is it alive, is it ready, what can it do.

mod dto;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use self::dto::{DependencyBody, Health, Inside, ReadyBody, Status};
use crate::endpoint::Endpoint;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::readiness::Ready;
use crate::site::Site;
use crate::{Answer, Raw};

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/health", health).summary("Whether the service runs, and which version"),
        Endpoint::get("/livez", livez).summary("Whether the process answers; touches nothing else").serves(
            200,
            "text/plain",
            "It does.",
        ),
        Endpoint::get("/readyz", readyz)
            .summary("Whether everything the service needs answers")
            .fails(503, "unavailable"),
        Endpoint::get("/api/v1/system/status", status).summary("Whether the service and its parts are up"),
        Endpoint::get("/openapi.json", openapi).summary("This document").serves(200, "application/json", "OpenAPI 3.1"),
    ]
}

/// The operations of the private listener.
pub fn private() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/metrics", metrics).summary("Figures for Prometheus"),
        Endpoint::get("/readyz", inside).summary("The state of each dependency"),
        Endpoint::get("/livez", livez).summary("Whether the process answers"),
    ]
}

async fn health(site: Data<Site>) -> Result<Answer<Health>, Problem> {
    Ok(Answer::new(Health { status: "ok", version: site.version }))
}

async fn livez() -> Result<Raw, Problem> {
    Ok(Raw(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")))
}

async fn readyz(ready: Data<Ready>) -> Result<Answer<ReadyBody>, Problem> {
    if ready.draining() {
        return Err(Problem::stopping());
    }
    match ready.dependencies().await.iter().find(|dependency| !dependency.ok) {
        None => Ok(Answer::new(ReadyBody { status: "ready" })),
        Some(down) => Err(Problem::unavailable(format!("{} does not answer", down.name))),
    }
}

async fn status(site: Data<Site>, ready: Data<Ready>) -> Result<Answer<Status>, Problem> {
    let all = ready.dependencies().await.iter().all(|dependency| dependency.ok);
    let status = if all { "ok" } else { "degraded" };
    Ok(Answer::new(Status { status, version: site.version, environment: site.environment.as_str() }))
}

async fn inside(ready: Data<Ready>) -> Result<Answer<Inside>, Problem> {
    let dependencies: Vec<DependencyBody> = ready.dependencies().await.into_iter().map(Into::into).collect();
    Ok(Answer::new(Inside { dependencies }))
}

async fn openapi() -> Result<Raw, Problem> {
    Ok(Raw(HttpResponse::Ok().content_type("application/json").body(crate::openapi())))
}

async fn metrics(metrics: Data<Metrics>) -> Result<Raw, Problem> {
    let text = metrics.render().map_err(Problem::internal)?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(Raw(HttpResponse::build(StatusCode::OK).content_type(media_type).body(text)))
}
