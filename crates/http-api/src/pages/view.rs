//! Pages as answers: one set of headers, and every problem as a page with its own status.

use actix_web::body::BoxBody;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER,
};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::return_to::ReturnTo;
use super::wording::wait;
use crate::problem::Problem;

/// What a page may load and where it may send: our style sheet, our pictures, our forms (CSP 3).
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; object-src 'none'";

/// A page that only says something.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    /// The title and heading.
    pub(super) title: String,
    /// What it says.
    pub(super) paragraphs: Vec<String>,
    /// Where to go from here: address and label.
    pub(super) link: Option<(String, String)>,
    /// For a fault of ours, what to tell the operator.
    pub(super) request_id: Option<String>,
}

impl Message {
    /// This title, text and way on.
    pub(super) fn new(title: &str, paragraphs: &[&str], link: Option<(&str, &str)>) -> Self {
        Self {
            title: title.to_owned(),
            paragraphs: paragraphs.iter().map(|&text| text.to_owned()).collect(),
            link: link.map(|(address, label)| (address.to_owned(), label.to_owned())),
            request_id: None,
        }
    }
}

/// A page.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
    let text = page.render().map_err(Problem::internal)?;
    Ok(dressed(HttpResponse::new(status), text))
}

/// A page that tells a problem: with its status and headers, and the problem itself for the log.
pub(super) fn refusal(request: &HttpRequest, problem: &Problem, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(text) => dressed(problem.answer(request), text),
        Err(error) => Problem::internal(error).answer(request),
    }
}

/// 303: go there with GET.
pub(super) fn see_other(to: &ReturnTo, cookies: impl IntoIterator<Item = Cookie<'static>>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    for cookie in cookies {
        answer.cookie(cookie);
    }
    answer.insert_header((LOCATION, to.as_str())).finish()
}

/// How long a problem asks to wait, in words.
pub(super) fn patience(request: &HttpRequest, problem: &Problem) -> String {
    let header = problem.answer(request).headers().get(RETRY_AFTER).cloned();
    wait(header.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(1))
}

fn dressed(answer: HttpResponse, text: String) -> HttpResponse {
    let mut answer = answer.map_body(|_, _| BoxBody::new(text));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}
