use actix_web::HttpRequest;
use actix_web::dev::Payload;
use byok_core::ProviderId;
use utoipa::openapi::path::ParameterIn;

use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// The provider that the path names. A name that cannot be one names nothing: 404.
pub(super) struct NamedProvider(pub(super) ProviderId);

impl Argument for NamedProvider {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let text = request.match_info().get("provider").unwrap_or_default();
        text.parse().map(Self).or(Err(Problem::not_found()))
    }

    fn describe(doc: &mut Doc) {
        doc.parameter("provider", ParameterIn::Path, true, "The provider's id, as in `GET /api/v1/byok/providers`.");
        doc.problem(404, "not_found");
    }
}
