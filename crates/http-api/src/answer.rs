use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoint::{Doc, Reply};

/// A JSON answer with the status `S`.
pub struct Answer<T, const S: u16 = 200> {
    body: T,
    cookies: Vec<Cookie<'static>>,
    headers: Vec<(&'static str, String)>,
    remembered: Option<T>,
}

/// What is kept of an answer for whoever repeats the request with its `Idempotency-Key`, instead of the answer itself.
#[derive(Debug, Clone)]
pub(crate) struct Remembered(pub(crate) Vec<u8>);

/// 201: something was made.
pub type Created<T> = Answer<T, 201>;

impl<T, const S: u16> Answer<T, S> {
    /// This body.
    pub const fn new(body: T) -> Self {
        Self { body, cookies: Vec::new(), headers: Vec::new(), remembered: None }
    }

    /// The same, setting a cookie.
    #[must_use]
    pub fn cookie(mut self, cookie: Cookie<'static>) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// The same, setting a cookie if there is one.
    #[must_use]
    pub fn maybe_cookie(mut self, cookie: Option<Cookie<'static>>) -> Self {
        self.cookies.extend(cookie);
        self
    }

    /// The same, with a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, but whoever repeats the request is given this: an answer with a secret is not kept.
    #[must_use]
    pub fn remembered_as(mut self, body: T) -> Self {
        self.remembered = Some(body);
        self
    }
}

impl<T: Serialize + ToSchema, const S: u16> Reply for Answer<T, S> {
    fn reply(self) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(S).unwrap_or(StatusCode::OK));
        for cookie in self.cookies {
            response.cookie(cookie);
        }
        for header in self.headers {
            response.append_header(header);
        }
        let mut answer = json(&mut response, "application/json", &self.body);
        if let Some(body) = self.remembered {
            // What cannot be written is kept as nothing, rather than as the answer with its secret.
            answer.extensions_mut().insert(Remembered(written(&body).unwrap_or_default()));
        }
        answer
    }

    fn describe(doc: &mut Doc) {
        let text = match S {
            201 => "It was made.",
            202 => "It was begun.",
            _ => "All is well.",
        };
        doc.answer::<T>(S, text);
    }
}

/// Every JSON body of ours is written here. It ends with a line break, so that a shell's prompt does not stick to it.
pub(crate) fn json(response: &mut HttpResponseBuilder, media_type: &str, body: &impl Serialize) -> HttpResponse {
    match written(body) {
        Ok(text) => response.content_type(media_type).body(text),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            HttpResponse::InternalServerError().finish()
        }
    }
}

pub(crate) fn written(body: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(body)?;
    text.push(b'\n');
    Ok(text)
}

/// An answer that is not JSON, or no body at all: redirects, pictures, the forward-auth check. The row of the list says what it is.
pub struct Raw(pub HttpResponse);

impl Reply for Raw {
    fn reply(self) -> HttpResponse {
        self.0
    }
    fn describe(_: &mut Doc) {}
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::http::header::CONTENT_TYPE;

    use super::*;
    use crate::problem::{Place, Problem};

    #[derive(Serialize, ToSchema)]
    struct Greeting {
        hello: &'static str,
    }

    #[actix_web::test]
    async fn every_json_body_ends_with_one_line_break() {
        let answer = Answer::<_, 201>::new(Greeting { hello: "world" }).reply();
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(answer.headers().get(CONTENT_TYPE).unwrap(), "application/json");
        assert_eq!(to_bytes(answer.into_body()).await.unwrap(), "{\"hello\":\"world\"}\n");
        let problem = Problem::not_found().render(&Place::default());
        assert_eq!(problem.headers().get(CONTENT_TYPE).unwrap(), "application/problem+json");
        let body = to_bytes(problem.into_body()).await.unwrap();
        assert!(body.ends_with(b"}\n"), "{body:?}");
    }
}
