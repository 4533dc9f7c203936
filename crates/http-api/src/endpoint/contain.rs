use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use futures_util::FutureExt;

use crate::caller::data;
use crate::problem::Problem;
use crate::site::Site;

/// The longest query, in bytes.
const MAX_QUERY: usize = 8 * 1024;

/// Answers a request within its bounds. A query that is too long is refused; a request that takes too long ends, its body included, so
/// that a client which sends a byte a second holds nothing for ever; a panic ends this request with 500 and nothing else.
pub(crate) async fn contained<T>(
    request: &HttpRequest,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    if request.query_string().len() > MAX_QUERY {
        let detail = format!("the query may have at most {MAX_QUERY} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "query_too_long", detail));
    }
    let deadline = data::<Site>(request)?.deadline;
    match tokio::time::timeout(deadline, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => Err(Problem::internal(words(panic.as_ref()))),
        Err(_elapsed) => {
            let detail = format!("the request took longer than {} seconds", deadline.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail))
        }
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", said.unwrap_or_else(|| "without words".to_owned()))
}
