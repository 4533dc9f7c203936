use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use utoipa_swagger_ui::Config;

use crate::problem::Problem;

/// What Swagger UI needs: its own script, styles that it sets on elements, pictures in its style sheet, and the API to ask.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// Leads to the UI, whose files are named relative to its folder.
pub(super) async fn enter() -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish())
}

/// A file of the UI. All of them are in this program.
pub(super) async fn serve(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let file = request.match_info().get("file").unwrap_or_default();
    let config = Config::from("/openapi.json").validator_url("none");
    let found = utoipa_swagger_ui::serve(file, Arc::new(config)).map_err(Problem::internal)?;
    let found = found.ok_or_else(Problem::not_found)?;
    // The large files change with the program only; the page and its settings are small and asked for each time.
    let kept = if file.contains("swagger-ui") { "public, max-age=3600" } else { "no-store" };
    let answer = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, found.content_type))
        .insert_header((CACHE_CONTROL, kept))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(found.bytes.into_owned());
    Ok(answer)
}
