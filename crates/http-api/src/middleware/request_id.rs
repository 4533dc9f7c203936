use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use kernel::Ambient;
use tracing::Instrument;

use crate::metrics::Metrics;
use crate::problem::Problem;

/// The id of a request, in its answer, its log line and its audit records.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Accepts the client's `X-Request-ID` when it is a UUID or at most 64 characters of a token (RFC 9110, 5.6.2).
fn accepted(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let token = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    (token && (1..=64).contains(&text.len())).then(|| text.to_owned())
}

fn minted(ambient: &Ambient) -> String {
    kernel::RecordId::mint(ambient).uuid().hyphenated().to_string()
}

/// Gives the request its id, echoes it, and writes the one log line of the request when it ends.
pub async fn identify_request<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let ambient = request.app_data::<web::Data<Ambient>>();
    let given = request.headers().get("X-Request-ID").and_then(accepted);
    let id = given.or_else(|| ambient.map(|ambient| minted(ambient))).unwrap_or_default();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let started = Instant::now();
    let span = tracing::info_span!("request", request_id = %id);
    let mut response = next.call(request).instrument(span).await?;
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let elapsed = started.elapsed();
    if let Some(metrics) = metrics {
        metrics.observe(method.as_str(), &route, status, elapsed);
    }
    let problem = response.response().extensions().get::<Problem>().cloned();
    let line = Line { id: &id, method: method.as_str(), path: response.request().path(), status, elapsed };
    line.log(problem.as_ref());
    Ok(response)
}

/// What the line of a request says. It is written outside of the request's span, whose fields would be read back and written again.
struct Line<'a> {
    id: &'a str,
    method: &'a str,
    path: &'a str,
    status: u16,
    elapsed: Duration,
}

impl Line<'_> {
    /// An error when the fault is ours, else information.
    fn log(&self, problem: Option<&Problem>) {
        let Self { id: request_id, method, path, status, elapsed } = *self;
        let code = problem.map_or("", |problem| problem.code());
        let ms = (elapsed.as_secs_f64() * 1e4).round() / 10.0;
        if let Some(cause) = problem.and_then(Problem::cause) {
            tracing::error!(request_id, method, path, status, code, cause, ms, "answered");
        } else {
            tracing::info!(request_id, method, path, status, code, ms, "answered");
        }
    }
}
