use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoint::{Doc, Reply};

/// A JSON answer with the status `S`.
pub struct Answer<T, const S: u16 = 200> {
    body: T,
    cookies: Vec<Cookie<'static>>,
    headers: Vec<(&'static str, String)>,
}

/// 201: something was made.
pub type Created<T> = Answer<T, 201>;

impl<T, const S: u16> Answer<T, S> {
    /// This body.
    pub const fn new(body: T) -> Self {
        Self { body, cookies: Vec::new(), headers: Vec::new() }
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
        response.json(self.body)
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

/// An answer that is not JSON, or no body at all: redirects, pictures, the forward-auth check. The row of the list says what it is.
pub struct Raw(pub HttpResponse);

impl Reply for Raw {
    fn reply(self) -> HttpResponse {
        self.0
    }
    fn describe(_: &mut Doc) {}
}
