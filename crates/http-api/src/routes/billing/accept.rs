//! Whether somebody asks for JSON where a document is served (RFC 9110, 12.5.1).

use actix_web::dev::Payload;
use actix_web::http::header::{Accept, Quality};
use actix_web::{HttpMessage, HttpRequest};

use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// What the client asks for.
pub(super) struct Wish {
    /// JSON, by name, and the document less.
    pub(super) json: bool,
}

impl Argument for Wish {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self { json: request.get_header::<Accept>().is_some_and(|accept| asks_for_json(&accept)) })
    }
    fn describe(_: &mut Doc) {}
}

/// Whether JSON is named, and a PDF is not named or wanted less. A `*/*` behind the names is what every client sends.
fn asks_for_json(accept: &Accept) -> bool {
    let wanted = |essence: &str| {
        let named = accept.iter().filter(|range| range.item.essence_str() == essence);
        named.map(|range| range.quality).max().unwrap_or(Quality::ZERO)
    };
    wanted("application/json") > wanted("application/pdf")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn whoever_does_not_ask_for_json_gets_the_document() {
        for (accept, json) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/pdf"), false),
            (Some("application/json"), true),
            (Some("application/json, text/plain, */*"), true),
            (Some("application/pdf, application/json"), false),
            (Some("application/pdf;q=0.5, application/json"), true),
            (Some("application/json;q=0"), false),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), false),
            (Some("nonsense"), false),
        ] {
            let request =
                accept.into_iter().fold(TestRequest::default(), |it, text| it.insert_header(("Accept", text)));
            let wish = Wish::take(&request.to_http_request(), &mut Payload::None).await.unwrap();
            assert_eq!(wish.json, json, "{accept:?}");
        }
    }
}
