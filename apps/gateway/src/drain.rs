//! The end of a server's life, told to load balancers and clients while it still answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use http_api::problem::Problem;

/// Whether the server is about to stop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draining(Arc<AtomicBool>);

impl Draining {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// From the first moment of the end `/readyz` says 503, whatever was known a moment ago, and every answer closes its connection, so
/// that clients reconnect elsewhere.
pub(crate) async fn announce<B: MessageBody + 'static>(
    draining: Draining,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut answer = next.call(request).await?.map_into_boxed_body();
    if !draining.0.load(Ordering::SeqCst) {
        return Ok(answer);
    }
    if answer.request().path() == "/readyz" && answer.status().is_success() {
        answer = refused(answer);
    }
    answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    Ok(answer)
}

/// 503 with the headers that the other middleware gave the answer.
fn refused(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let mut refused = Problem::unavailable("the server is about to stop").answer(answer.request());
    for (name, value) in answer.headers() {
        if !refused.headers().contains_key(name) {
            refused.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer.into_response(refused)
}
