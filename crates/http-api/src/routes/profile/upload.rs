//! Forms with files (`multipart/form-data`, RFC 7578): read within limits, every part known by its name.

use std::collections::BTreeMap;

use account_core::policy::MAX_PICTURE_BYTES;
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::endpoint::{Argument, Doc};
use crate::input::too_large;
use crate::problem::{FieldProblem, Problem};

/// What a form may weigh, in bytes: a picture, the texts beside it, and what separates them.
const MAX_FORM: usize = MAX_PICTURE_BYTES + 64 * 1024;

/// A part that a form may have.
pub(super) struct PartRule {
    /// Its name.
    pub(super) name: &'static str,
    /// The most bytes.
    pub(super) max: usize,
}

/// The parts of a form.
#[derive(Debug)]
pub(super) struct Form(BTreeMap<&'static str, Vec<u8>>);

/// Whether the body says that it is a form with parts.
pub(super) fn is_form(request: &HttpRequest) -> bool {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data")
}

impl Form {
    /// Reads a form that has at most these parts, each at most once; one that says it is too long is refused before it is read.
    pub(super) async fn read(
        request: &HttpRequest,
        payload: &mut Payload,
        rules: &[PartRule],
    ) -> Result<Self, Problem> {
        let announced =
            request.headers().get("Content-Length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > MAX_FORM) {
            return Err(too_large(MAX_FORM));
        }
        let mut left = MAX_FORM;
        let bounded = payload.take().map(move |chunk| {
            let chunk = chunk?;
            left = left.checked_sub(chunk.len()).ok_or(PayloadError::Overflow)?;
            Ok(chunk)
        });
        let mut multipart = Multipart::new(request.headers(), bounded);
        let mut parts = BTreeMap::new();
        while let Some(part) = multipart.next().await {
            let mut part = part.map_err(broken)?;
            let rule = known(&part, rules)?;
            let bytes = part.bytes(rule.max).await.or(Err(too_large(rule.max)))?.map_err(broken)?;
            if parts.insert(rule.name, bytes.to_vec()).is_some() {
                return Err(wrong(rule.name, "duplicate_field", "is given twice"));
            }
        }
        Ok(Self(parts))
    }

    /// A part, if it was sent.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Vec<u8>> {
        self.0.remove(name)
    }

    /// A part that is text, if it was sent.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let text = self.take(name).map(String::from_utf8).transpose();
        text.or(Err(wrong(name, "invalid_value", "must be text in UTF-8")))
    }
}

fn known<'a>(part: &Field, rules: &'a [PartRule]) -> Result<&'a PartRule, Problem> {
    let name = part.name().unwrap_or_default();
    let rule = rules.iter().find(|rule| rule.name == name);
    rule.ok_or_else(|| {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        wrong(&shown, "unknown_field", "there is no such field")
    })
}

fn wrong(name: &str, code: &str, why: &str) -> Problem {
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    Problem::invalid(vec![FieldProblem::new(pointer, code, why)])
}

fn broken(error: MultipartError) -> Problem {
    match error {
        MultipartError::Payload(PayloadError::Overflow) => too_large(MAX_FORM),
        MultipartError::Payload(cause) => Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", cause.to_string()),
        _ => Problem::invalid(vec![FieldProblem::new(
            "",
            "malformed_multipart",
            "the body is not a form with parts (RFC 7578)",
        )]),
    }
}

/// A picture that somebody sends, in the part `avatar` or `file`.
#[derive(Debug)]
pub(super) struct Picture(pub(super) Vec<u8>);

/// The part with a picture, under one of two names.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the document reads it")]
struct AvatarForm {
    /// The picture: PNG, JPEG or WebP, at most 2 MiB.
    #[schema(value_type = String, format = Binary, required = false)]
    avatar: Option<Vec<u8>>,
    /// The same under another name; send one of the two.
    #[schema(value_type = String, format = Binary, required = false)]
    file: Option<Vec<u8>>,
}

impl Argument for Picture {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        if !is_form(request) {
            let detail = "send the picture as multipart/form-data, in a part named avatar";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let rules = ["avatar", "file"].map(|name| PartRule { name, max: MAX_PICTURE_BYTES });
        let mut form = Form::read(request, payload, &rules).await?;
        match (form.take("avatar"), form.take("file")) {
            (Some(_), Some(_)) => Err(wrong("file", "duplicate_field", "the picture is given twice")),
            (None, None) => Err(wrong("avatar", "missing_field", "must be given")),
            (Some(file), None) | (None, Some(file)) => Ok(Self(file)),
        }
    }
    fn describe(doc: &mut Doc) {
        doc.body::<AvatarForm>("multipart/form-data");
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn part(name: &str, bytes: &[u8]) -> Vec<u8> {
        let head = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.png\"\r\n\r\n");
        [head.as_bytes(), bytes, b"\r\n"].concat()
    }

    async fn send(content_type: &str, parts: &[Vec<u8>], end: &str) -> Result<Picture, Problem> {
        let body = [parts.concat(), end.as_bytes().to_vec()].concat();
        let request = TestRequest::post().insert_header((CONTENT_TYPE, content_type)).set_payload(body);
        let (request, mut payload) = request.to_http_parts();
        Picture::take(&request, &mut payload).await
    }

    const FORM: &str = "multipart/form-data; boundary=X";

    #[actix_web::test]
    async fn a_picture_comes_whole_under_either_name() {
        let most = vec![7; MAX_PICTURE_BYTES];
        for name in ["avatar", "file"] {
            let picture = send(FORM, &[part(name, &most)], "--X--\r\n").await.expect("a picture");
            assert_eq!(picture.0, most);
        }
    }

    #[actix_web::test]
    async fn what_is_no_picture_form_is_refused_for_what_it_is() {
        let over = vec![7; MAX_PICTURE_BYTES + 1];
        let flood = vec![7; MAX_FORM + 1];
        for (content_type, parts, end, status, code) in [
            ("image/png", vec![], "", 415, "unsupported_media_type"),
            ("multipart/mixed; boundary=X", vec![part("avatar", b"x")], "--X--\r\n", 415, "unsupported_media_type"),
            ("multipart/form-data", vec![part("avatar", b"x")], "--X--\r\n", 422, "invalid_request"),
            (FORM, vec![], "", 422, "invalid_request"),
            (FORM, vec![part("avatar", b"x")], "", 422, "invalid_request"),
            (FORM, vec![part("avatar", b"x"), part("avatar", b"y")], "--X--\r\n", 422, "invalid_request"),
            (FORM, vec![part("avatar", b"x"), part("file", b"y")], "--X--\r\n", 422, "invalid_request"),
            (FORM, vec![part("user_id", b"x")], "--X--\r\n", 422, "unknown_field"),
            (FORM, vec![part("", b"x")], "--X--\r\n", 422, "unknown_field"),
            (FORM, vec![part("avatar", &over)], "--X--\r\n", 413, "payload_too_large"),
            (FORM, vec![part("avatar", &flood)], "--X--\r\n", 413, "payload_too_large"),
        ] {
            let problem = send(content_type, &parts, end).await.expect_err(content_type);
            let found = (problem.status().as_u16(), problem.code());
            assert_eq!(found, (status, code), "{content_type} {} parts: {problem}", parts.len());
        }
    }
}
