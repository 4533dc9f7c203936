//! Bodies and parameters of requests: read within limits, refused with the field that is wrong.

mod secret;

use std::fmt::Display;
use std::ops::Deref;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use kernel::Page;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, ToSchema};

pub use self::secret::SecretJson;
use crate::endpoint::{Argument, Doc};
use crate::problem::{FieldProblem, Problem};

/// The greatest JSON body, in bytes.
pub const MAX_JSON: usize = 64 * 1024;

/// The greatest JSON body of an operation that takes many things at once, in bytes.
pub const MAX_LARGE_JSON: usize = 1024 * 1024;

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON body of up to [`MAX_LARGE_JSON`] bytes: lists of many small things.
pub struct LargeJson<T>(pub T);

/// A JSON body, or the same fields in the query of a request without one. Beside a body the query says at most where and for whom.
pub struct JsonOrQuery<T>(pub T);

/// A JSON body that may be left out.
pub struct OptionalJson<T>(pub T);

/// Query parameters. Unknown ones are passed over.
pub struct Query<T>(pub T);

/// An id in the path. One that cannot be an id names nothing: 404.
pub struct Id<T>(pub T);

/// A text in the path.
pub struct PathText(pub String);

impl<T> Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + ToSchema> Argument for Json<T> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        require_json(request)?;
        let bytes = read(request, payload, MAX_JSON).await?;
        parse_json(&bytes).map(Self)
    }
    fn describe(doc: &mut Doc) {
        doc.body::<T>("application/json");
    }
}

impl<T: DeserializeOwned + ToSchema> Argument for LargeJson<T> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        require_json(request)?;
        let bytes = read(request, payload, MAX_LARGE_JSON).await?;
        parse_json(&bytes).map(Self)
    }
    fn describe(doc: &mut Doc) {
        doc.body::<T>("application/json");
    }
}

impl<T: DeserializeOwned + ToSchema> Argument for JsonOrQuery<T> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let bytes = read(request, payload, MAX_JSON).await?;
        if !bytes.is_empty() || request.query_string().is_empty() {
            require_json(request)?;
            nothing_beside(request)?;
            return parse_json(&bytes).map(Self);
        }
        let parsed = web::Query::<T>::from_query(request.query_string());
        parsed.map(|query| Self(query.into_inner())).map_err(|error| query_problem(&error.to_string()))
    }
    fn describe(doc: &mut Doc) {
        doc.body::<T>("application/json");
        doc.body_may_be_absent();
    }
}

/// What the query may name beside a body that has all the rest: every caller's place.
const PLACE: [&str; 2] = ["org_id", "user_id"];

/// Refuses a query whose fields would be passed over because there is a body.
fn nothing_beside(request: &HttpRequest) -> Result<(), Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map_err(|error| query_problem(&error.to_string()))?.into_inner();
    let beside = pairs.into_iter().map(|(name, _)| name).filter(|name| !PLACE.contains(&name.as_str()));
    let why = "the request has a body: every field stands there";
    let wrong: Vec<FieldProblem> =
        beside.map(|name| FieldProblem::new(format!("?{name}"), "unknown_field", why)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
}

impl<T: Default + DeserializeOwned + ToSchema> Argument for OptionalJson<T> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let bytes = read(request, payload, MAX_JSON).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(request)?;
        parse_json(&bytes).map(Self)
    }
    fn describe(doc: &mut Doc) {
        doc.body::<T>("application/json");
        doc.body_may_be_absent();
    }
}

impl<T: DeserializeOwned + IntoParams> Argument for Query<T> {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let parsed = web::Query::<T>::from_query(request.query_string());
        parsed.map(|query| Self(query.into_inner())).map_err(|error| query_problem(&error.to_string()))
    }
    fn describe(doc: &mut Doc) {
        doc.parameters::<T>(ParameterIn::Query);
    }
}

impl<T: FromStr + 'static> Argument for Id<T> {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let text = request.match_info().get("id").unwrap_or_default();
        text.parse().map(Self).or(Err(Problem::not_found()))
    }
    fn describe(doc: &mut Doc) {
        doc.parameter("id", ParameterIn::Path, true, "The object's id.");
        doc.problem(404, "not_found");
    }
}

impl Argument for PathText {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self(request.match_info().iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default()))
    }
    fn describe(doc: &mut Doc) {
        doc.problem(404, "not_found");
    }
}

/// Refuses every media type but JSON.
fn require_json(request: &HttpRequest) -> Result<(), Problem> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        let detail = "send the body as application/json";
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
    }
}

pub(crate) fn too_large(limit: usize) -> Problem {
    let detail = format!("the body may have at most {limit} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
}

/// Reads a whole body; one that says it is too long is refused before it is read.
pub async fn read(request: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    read_into(request, payload, limit, &mut bytes).await?;
    Ok(bytes)
}

async fn read_into(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), Problem> {
    let announced =
        request.headers().get("Content-Length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    bytes.reserve(announced.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|cause| Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", cause.to_string()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(())
}

/// Reads JSON; what is wrong with it is told by its place.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return Err(Problem::invalid(vec![FieldProblem::new("", "missing_body", "the request needs a JSON body")]));
    }
    // Every body is an object; without this serde would read an array as a struct's fields in order.
    if bytes.trim_ascii_start().first() != Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
    {
        return Err(Problem::invalid(vec![FieldProblem::new("", "invalid_type", "the body must be a JSON object")]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader);
    let value = parsed.map_err(|error| Problem::invalid(vec![json_problem(&error)]))?;
    match reader.end() {
        Ok(()) => Ok(value),
        Err(_) => Err(Problem::invalid(vec![malformed()])),
    }
}

fn malformed() -> FieldProblem {
    FieldProblem::new("", "malformed_json", "the body is not JSON")
}

fn json_problem(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldProblem {
    let mut pointer = String::new();
    for segment in error.path() {
        use serde_path_to_error::Segment;
        match segment {
            Segment::Map { key } => pointer += &token(key),
            Segment::Seq { index } => pointer += &token(&index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    let named = |text: &str| text.split('`').nth(1).map(str::to_owned).unwrap_or_default();
    // `1e400` is JSON, whatever serde_json says of it: a number that no field holds.
    let too_large = text.starts_with("number out of range");
    if !too_large && !matches!(error.inner().classify(), serde_json::error::Category::Data) {
        malformed()
    } else if text.starts_with("unknown field") {
        FieldProblem::new(with_field(&pointer, &named(&text)), "unknown_field", "there is no such field")
    } else if text.starts_with("missing field") {
        FieldProblem::new(with_field(&pointer, &named(&text)), "missing_field", "must be given")
    } else if text.starts_with("duplicate field") {
        FieldProblem::new(with_field(&pointer, &named(&text)), "duplicate_field", "is given twice")
    } else {
        FieldProblem::new(pointer, "invalid_type", "is not of the expected type or out of range")
    }
}

/// One step of a JSON Pointer (RFC 6901, 3).
fn token(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The pointer of a field in the object at a pointer; the path may name the field already.
fn with_field(pointer: &str, field: &str) -> String {
    let end = token(field);
    if pointer.ends_with(&end) { pointer.to_owned() } else { format!("{pointer}{end}") }
}

fn query_problem(text: &str) -> Problem {
    let name = text.split('`').nth(1).unwrap_or_default();
    let missing = text.contains("missing field");
    let (code, why) = if missing { ("missing_field", "must be given") } else { ("invalid_value", "cannot be read") };
    Problem::invalid(vec![FieldProblem::new(format!("?{name}"), code, why)])
}

/// Gathers what is wrong with the fields of one request.
#[derive(Default)]
pub struct Fields(Vec<FieldProblem>);

impl Fields {
    /// Reads a field; on failure it is noted, and `None` given.
    pub fn read<T, E: Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(why) => {
                self.0.push(FieldProblem::new(pointer, "invalid_value", why.to_string()));
                None
            }
        }
    }

    /// Reads a field that may be absent.
    pub fn read_some<V, T, E: Display>(
        &mut self,
        pointer: &str,
        value: Option<V>,
        parse: impl FnOnce(V) -> Result<T, E>,
    ) -> Option<T> {
        value.and_then(|value| self.read(pointer, parse(value)))
    }

    /// Notes a problem.
    pub fn wrong(&mut self, pointer: &str, code: &str, why: &str) {
        self.0.push(FieldProblem::new(pointer, code, why));
    }

    /// The value, if nothing was wrong.
    pub fn done<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.0)),
        }
    }
}

/// `limit` and `offset`.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PageQuery {
    /// How many rows at most, 1..=200; 50 when absent.
    #[param(minimum = 1, maximum = 200, example = 50, nullable = false)]
    pub limit: Option<u32>,
    /// How many rows to pass over first.
    #[param(minimum = 0, example = 0, nullable = false)]
    pub offset: Option<u32>,
}

impl PageQuery {
    /// The part of the list that is asked for.
    pub fn page(&self) -> Result<Page, Problem> {
        let default = Page::default();
        let wrong = || Problem::invalid_field("?limit", "must be from 1 to 200");
        Page::new(self.limit.unwrap_or(default.limit()), self.offset.unwrap_or(0)).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the parser")]
    struct Sample {
        name: String,
        count: Option<u32>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by the parser")]
    struct Inner {
        list: Vec<u8>,
    }

    #[test]
    fn bad_json_is_told_by_its_place() {
        let deep = format!("{{\"name\":{}", "[".repeat(100_000));
        for (text, pointer, code) in [
            ("", "", "missing_body"),
            ("{", "", "malformed_json"),
            ("\u{feff}{}", "", "malformed_json"),
            ("[\"a\",1]", "", "invalid_type"),
            ("null", "", "invalid_type"),
            (deep.as_str(), "/name", "invalid_type"),
            (r#"{"name":"a"} x"#, "", "malformed_json"),
            (r#"{"name":"\ud800"}"#, "", "malformed_json"),
            ("{}", "/name", "missing_field"),
            (r#"{"name":"a","extra":1}"#, "/extra", "unknown_field"),
            (r#"{"name":"a","name":"b"}"#, "/name", "duplicate_field"),
            (r#"{"name":1}"#, "/name", "invalid_type"),
            (r#"{"name":"a","count":-1}"#, "/count", "invalid_type"),
            (r#"{"name":"a","count":1e400}"#, "/count", "invalid_type"),
            (r#"{"name":"a","inner":{"list":[1,256]}}"#, "/inner/list/1", "invalid_type"),
            (r#"{"name":"a","inner":{"list":[],"a/b":1}}"#, "/inner/a~1b", "unknown_field"),
        ] {
            let problem = parse_json::<Sample>(text.as_bytes()).expect_err(text);
            let body = problem.body(&crate::problem::Place::default());
            let first = body.errors.unwrap_or_default().remove(0);
            let shown: String = text.chars().take(40).collect();
            assert_eq!((body.status, first.pointer.as_str(), first.code.as_str()), (422, pointer, code), "{shown}");
        }
        assert!(parse_json::<Sample>(br#"{"name":"a"}"#).is_ok());
    }
}
