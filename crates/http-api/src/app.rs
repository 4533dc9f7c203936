use std::sync::Arc;

use account_core::{Avatars, Profiles};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, HttpRequest, HttpResponse, web};
use audit_core::Trail;
use auth_core::{ApiKeys, Passwords, Sessions, SignIn, Users};
use billing_core::Billing;
use byok_core::{Byok, Resolution};
use kernel::{Ambient, Idempotency};
use org_core::{Invitations, Members, Orgs};
use plan_core::{Access, Decision, Grants, Plans};
use usage_core::{Metering, Usage};

use crate::endpoint::Endpoint;
use crate::idempotency::KeyedIdempotency;
use crate::identify::Identify;
use crate::metrics::Metrics;
use crate::middleware::{headers, request_id};
use crate::problem::Problem;
use crate::rate_limit::RateLimits;
use crate::readiness::{Readiness, Ready};
use crate::site::Site;
use crate::webhook::Webhooks;
use crate::{openapi as document, pages, routes};

/// Everything that the routes ask for. Each is handed to them as itself: there is no state that knows all.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the service of that name")]
pub struct Services {
    pub site: Site,
    pub identify: Arc<dyn Identify + Send + Sync>,
    pub sign_in: SignIn,
    pub sessions: Sessions,
    pub passwords: Passwords,
    pub users: Users,
    pub api_keys: ApiKeys,
    pub profiles: Profiles,
    pub avatars: Avatars,
    pub orgs: Orgs,
    pub members: Members,
    pub invitations: Invitations,
    pub plans: Plans,
    pub metering: Metering,
    pub access: Access,
    pub grants: Grants,
    pub decision: Decision,
    pub usage: Usage,
    pub byok: Byok,
    pub resolution: Resolution,
    pub billing: Billing,
    pub webhooks: Webhooks,
    pub trail: Trail,
    pub idempotency: KeyedIdempotency,
    pub rate_limits: Arc<dyn RateLimits>,
    pub ambient: Ambient,
    pub readiness: Arc<dyn Readiness>,
    pub metrics: Metrics,
}

impl Services {
    fn provide(&self, cfg: &mut web::ServiceConfig) {
        let identify: Arc<dyn Identify> = self.identify.clone();
        let idempotency: Arc<dyn Idempotency> = Arc::new(self.idempotency.clone());
        cfg.app_data(web::Data::new(self.site.clone()))
            .app_data(web::Data::new(identify))
            .app_data(web::Data::new(self.sign_in.clone()))
            .app_data(web::Data::new(self.sessions.clone()))
            .app_data(web::Data::new(self.passwords.clone()))
            .app_data(web::Data::new(self.users.clone()))
            .app_data(web::Data::new(self.api_keys.clone()))
            .app_data(web::Data::new(self.profiles.clone()))
            .app_data(web::Data::new(self.avatars.clone()))
            .app_data(web::Data::new(self.orgs.clone()))
            .app_data(web::Data::new(self.members.clone()))
            .app_data(web::Data::new(self.invitations.clone()))
            .app_data(web::Data::new(self.plans.clone()))
            .app_data(web::Data::new(self.metering.clone()))
            .app_data(web::Data::new(self.access.clone()))
            .app_data(web::Data::new(self.grants.clone()))
            .app_data(web::Data::new(self.decision.clone()))
            .app_data(web::Data::new(self.usage.clone()))
            .app_data(web::Data::new(self.byok.clone()))
            .app_data(web::Data::new(self.resolution.clone()))
            .app_data(web::Data::new(self.billing.clone()))
            .app_data(web::Data::new(self.webhooks.clone()))
            .app_data(web::Data::new(self.trail.clone()))
            .app_data(web::Data::new(idempotency))
            .app_data(web::Data::new(self.rate_limits.clone()))
            .app_data(web::Data::new(self.ambient.clone()))
            .app_data(web::Data::new(Ready::new(self.readiness.clone())))
            .app_data(web::Data::new(self.metrics.clone()));
    }
}

/// The whole application: API, built-in pages, documentation.
pub fn app(
    services: &Services,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>
    + use<>,
> {
    App::new()
        .configure(|cfg| services.provide(cfg))
        .configure(|cfg| mount(cfg, &routes::endpoints()))
        .configure(pages::configure)
        .default_service(web::to(nothing_here))
        .wrap(from_fn(request_id::identify_request))
        .wrap(from_fn(headers::secure))
}

/// What only the operator may see: metrics and the state of each dependency. For a listener that strangers cannot reach.
pub fn private_app(
    services: &Services,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>
    + use<>,
> {
    App::new()
        .configure(|cfg| services.provide(cfg))
        .configure(|cfg| mount(cfg, &routes::system::private()))
        .default_service(web::to(nothing_here))
        .wrap(from_fn(request_id::identify_request))
        .wrap(from_fn(headers::secure))
}

/// The OpenAPI 3.1 document, as indented JSON with a line break at its end.
pub fn openapi() -> String {
    let document = document::document(&routes::endpoints(), env!("CARGO_PKG_VERSION"));
    document.to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

/// The operations that take a cookie's word without the CSRF policy, one by one: `METHOD path`.
pub fn csrf_exempt() -> Vec<String> {
    CSRF_EXEMPT.map(str::to_owned).to_vec()
}

/// What payment providers call, with a signature and no cookie.
const CSRF_EXEMPT: [&str; 3] =
    ["POST /api/v1/billing/webhooks/stripe", "POST /api/v1/webhooks/stripe", "POST /api/v1/webhooks/lago"];

/// Mounts endpoints: one resource per path, static segments before placeholders, and 405 with `Allow` for the other methods.
pub(crate) fn mount(cfg: &mut web::ServiceConfig, endpoints: &[Endpoint]) {
    let mut rows: Vec<(&str, &Endpoint)> =
        endpoints.iter().flat_map(|endpoint| endpoint.paths.iter().map(move |path| (*path, endpoint))).collect();
    rows.sort_by_cached_key(|(path, _)| precedence(path));
    for group in rows.chunk_by(|(one, _), (other, _)| one == other) {
        let Some((path, _)) = group.first() else { continue };
        let resource = group.iter().fold(web::resource(*path), |resource, (_, row)| resource.route(row.route()));
        let allowed = allow(group);
        cfg.service(
            resource.default_service(web::to(move |request: HttpRequest| wrong_method(request, allowed.clone()))),
        );
    }
}

/// Sorts static segments before placeholders.
fn precedence(path: &str) -> Vec<(bool, String)> {
    path.split('/').map(|segment| (segment.starts_with('{'), segment.to_owned())).collect()
}

fn allow(rows: &[(&str, &Endpoint)]) -> String {
    let mut methods: Vec<&str> = rows.iter().map(|(_, row)| row.method.as_str()).collect();
    if methods.contains(&Method::GET.as_str()) {
        methods.push(Method::HEAD.as_str());
    }
    methods.join(", ")
}

async fn wrong_method(request: HttpRequest, allowed: String) -> HttpResponse {
    let detail = format!("this address answers {allowed}");
    let mut answer = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).answer(&request);
    if let Ok(value) = allowed.parse() {
        answer.headers_mut().insert(actix_web::http::header::ALLOW, value);
    }
    answer
}

async fn nothing_here(request: HttpRequest) -> HttpResponse {
    Problem::not_found().answer(&request)
}
