//! The OpenAPI 3.1 document, made from the list of endpoints.

use actix_web::http::Method;
use utoipa::ToSchema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, ContactBuilder, Info, InfoBuilder, License, OpenApi, OpenApiBuilder, Paths};

use crate::endpoint::Endpoint;
use crate::problem::{FieldProblem, ProblemBody};

/// The names in braces of a path.
fn placeholders(path: &str) -> Vec<&str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect()
}

/// The area of a path: what the document groups by.
fn tag(path: &str) -> &str {
    let rest = path.strip_prefix("/api/v1").unwrap_or(path);
    match rest.split('/').nth(1).unwrap_or("") {
        "auth" | "user" | "users" | "avatars" | "api-keys" | "account" => "auth",
        "org" => "org",
        "subscriptions" | "tiers" | "services" | "check-tier" => "plans",
        "byok" => "byok",
        "billing" | "payment-methods" | "webhooks" => "billing",
        "admin" => "admin",
        _ => "operations",
    }
}

/// `put_org_members_id_role` from `PUT /api/v1/org/members/{id}/role`.
fn operation_id(method: &Method, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let root =
        if path.starts_with("/auth") && method == Method::GET && path == "/auth/check" { vec!["root"] } else { vec![] };
    let all: Vec<String> = root.into_iter().chain(words).map(str::to_ascii_lowercase).collect();
    format!("{}_{}", method.as_str().to_ascii_lowercase(), all.join("_"))
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        Method::PATCH => HttpMethod::Patch,
        _ => HttpMethod::Get,
    }
}

fn info(version: &str) -> Info {
    InfoBuilder::new()
        .title("Ops Center")
        .version(version)
        .description(Some("Accounts, organizations and entitlements of a self-hosted platform."))
        .contact(Some(ContactBuilder::new().name(Some("The operator of this installation")).build()))
        .license(Some(License::new("Apache-2.0")))
        .build()
}

/// The document of these endpoints.
pub fn document(endpoints: &[Endpoint], version: &str) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new()
        .schema(ProblemBody::name(), <ProblemBody as utoipa::PartialSchema>::schema())
        .schema(FieldProblem::name(), <FieldProblem as utoipa::PartialSchema>::schema());
    for endpoint in endpoints {
        for path in &endpoint.paths {
            let id = operation_id(&endpoint.method, path);
            let operation = endpoint.doc.operation(id, tag(path), &placeholders(path));
            paths.add_path_operation(*path, vec![http_method(&endpoint.method)], operation);
        }
        components = components.schemas_from_iter(endpoint.doc.components().iter().cloned());
    }
    let cookie = ApiKeyValue::with_description(
        "__Host-ops_session",
        "The session cookie that a sign-in sets; `ops_session` where the site is served without TLS on loopback.",
    );
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "An API key of a service, `Authorization: Bearer oc_…`, with the scope that the operation names.",
    ));
    let header = ApiKeyValue::with_description("X-API-Key", "The same key in a header of its own.");
    let components = components
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme("bearer", SecurityScheme::Http(bearer.build()))
        .security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(header)));
    OpenApiBuilder::new().info(info(version)).paths(paths).components(Some(components.build())).build()
}
