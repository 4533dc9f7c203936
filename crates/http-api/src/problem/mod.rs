//! RFC 9457 problems: the only errors that a route answers with.

mod account;
mod auth;
mod billing;
mod body;
mod byok;
mod org;
mod plan;
mod usage;

use std::collections::BTreeMap;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use kernel::StoreError;
use serde_json::Value;

pub use self::body::{FieldProblem, ProblemBody};
pub(crate) use self::byok::{ENDPOINT_FORBIDDEN, KEY_FORMAT};
pub(crate) use self::plan::plan_field;
use crate::middleware::request_id::RequestId;

/// The problem type of a request that went over a rate limit, registered by draft-ietf-httpapi-ratelimit-headers.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// An error answer. What the log must know and the client must not is in its cause.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

/// What a problem consists of. In a box, so that a `Result` with it stays small.
#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    extensions: BTreeMap<String, Value>,
    retry_after: Option<u64>,
    violated: Option<&'static str>,
    max_age: Option<u64>,
    challenge: Option<String>,
    authenticated: Option<bool>,
    headers: Vec<(&'static str, String)>,
    cause: Option<Box<str>>,
}

/// Where a problem happened: what its body tells beside the problem itself.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The request's id.
    pub request_id: String,
    /// The request's path.
    pub path: String,
}

impl Problem {
    /// A problem with this status, code and sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            extensions: BTreeMap::new(),
            retry_after: None,
            violated: None,
            max_age: None,
            challenge: None,
            authenticated: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// The same, with a further member in its body (RFC 9457, 3.2). Of the members that every problem has, `error` alone can be
    /// replaced, for clients that wait for a text of their own there.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// The same, with a further header in its answer.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    fn challenge(mut self, challenge: String) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// 401: nobody we know.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in first")
    }

    /// 401 for whoever asks whether they are signed in: the same, and it says so in a member of its own.
    pub fn nobody() -> Self {
        let mut problem = Self::unauthenticated();
        problem.0.authenticated = Some(false);
        problem
    }

    /// 401 with RFC 9470's error code: the sign-in is too old for this.
    pub fn stale_sign_in(max_age: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "insufficient_user_authentication",
            format!("sign in again to do this: the last sign-in must be at most {max_age} seconds old"),
        );
        problem.0.max_age = Some(max_age);
        problem.0.challenge =
            Some(format!("Session error=\"insufficient_user_authentication\", max_age=\"{max_age}\""));
        problem
    }

    /// 403: known, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 403: the request may come from somebody else's page.
    pub fn csrf() -> Self {
        let detail =
            "the request may come from another site; send it from the same origin, or with the session's X-CSRF-Token";
        Self::new(StatusCode::FORBIDDEN, "csrf_failed", detail)
    }

    /// 404. One text for everything, so that foreign objects answer as unknown ones.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here under this address")
    }

    /// 409.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422 with the fields that are wrong.
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let one = match errors.as_slice() {
            [] => "the request is not valid".to_owned(),
            [only] if only.pointer.is_empty() => only.message.clone(),
            [first, ..] => format!("{}: {}", first.pointer.trim_start_matches('/'), first.message),
        };
        let code = match errors.as_slice() {
            [only] if only.code == "unknown_field" => "unknown_field",
            _ => "invalid_request",
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, one);
        problem.0.errors = errors;
        problem
    }

    /// 422 with a code of its own and the field that is wrong.
    pub fn invalid_as(code: &'static str, errors: Vec<FieldProblem>) -> Self {
        let mut problem = Self::invalid(errors);
        problem.0.code = code;
        problem
    }

    /// 422 with one field that is wrong.
    pub fn invalid_field(pointer: &str, why: impl fmt::Display) -> Self {
        Self::invalid(vec![FieldProblem::new(pointer, "invalid_value", why.to_string())])
    }

    /// 429.
    pub fn too_many(seconds: u64) -> Self {
        let detail = format!("too many attempts; try again in {seconds} seconds");
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
        problem.0.retry_after = Some(seconds);
        problem
    }

    /// 429 of a rate limit (draft-ietf-httpapi-ratelimit-headers): which rule, and in how many seconds the request would pass.
    pub fn rate_limited(policy: &'static str, seconds: u64) -> Self {
        let detail = format!("too many requests; try again in {seconds} seconds");
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
        problem.0.retry_after = Some(seconds);
        problem.0.violated = Some(policy);
        problem
    }

    /// 503: cannot tell now. Never a denial, never "empty".
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        let detail = "a part of the service cannot be reached right now; try again shortly";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.0.retry_after = Some(1);
        problem.0.cause = Some(cause.to_string().into());
        problem
    }

    /// The same of a server that was told to stop: nothing is wrong, and the log need not say that something is.
    pub fn stopping() -> Self {
        let detail = "the server is about to stop; another one, or the next one, will answer";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.0.retry_after = Some(1);
        problem
    }

    /// 500: a defect of ours. The log has the cause under the request's id.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail = "something went wrong on our side; tell the operator the request id";
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
        problem.0.cause = Some(cause.to_string().into());
        problem
    }

    /// The kind of problem, for programs.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// One sentence that a person can act on.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    fn kind(&self) -> String {
        match self.0.violated {
            Some(_) => QUOTA_EXCEEDED.to_owned(),
            None => format!("urn:ops-center:problem:{}", self.0.code),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What the log must know.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The body, for a request at this place.
    pub fn body(&self, place: &Place) -> ProblemBody {
        let mut extensions = self.0.extensions.clone();
        let error = extensions.remove("error").and_then(|text| text.as_str().map(str::to_owned));
        ProblemBody {
            kind: self.kind(),
            title: self.0.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.0.status.as_u16(),
            detail: self.0.detail.clone(),
            code: self.0.code.to_owned(),
            request_id: place.request_id.clone(),
            instance: place.path.clone(),
            errors: (!self.0.errors.is_empty()).then(|| self.0.errors.clone()),
            max_age: self.0.max_age,
            violated_policies: self.0.violated.map(|policy| vec![policy.to_owned()]),
            authenticated: self.0.authenticated,
            message: self.0.detail.clone(),
            error: error.unwrap_or_else(|| self.0.code.to_owned()),
            extensions,
        }
    }

    /// The answer to a request at this place. The problem itself rides along in its extensions, for the log.
    pub fn render(&self, place: &Place) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        if let Some(seconds) = self.0.retry_after {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        if let Some(challenge) = &self.0.challenge {
            response.insert_header(("WWW-Authenticate", challenge.as_str()));
        } else if self.0.status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", "Session"));
        }
        for (name, value) in &self.0.headers {
            response.insert_header((*name, value.as_str()));
        }
        let mut response = crate::answer::json(&mut response, "application/problem+json", &self.body(place));
        response.extensions_mut().insert(self.clone());
        response
    }

    /// The answer to this request.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        self.render(&Place::of(request))
    }
}

impl Place {
    /// Where this request is.
    pub fn of(request: &HttpRequest) -> Self {
        let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        Self { request_id, path: request.path().to_owned() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        match error {
            StoreError::Unavailable(_) => Self::unavailable(cause),
            StoreError::Broken(_) => Self::internal(cause),
        }
    }
}
