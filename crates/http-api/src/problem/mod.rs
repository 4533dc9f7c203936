//! RFC 9457 problems: the only errors that a route answers with.

mod account;
mod auth;
mod org;

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use kernel::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::middleware::request_id::RequestId;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// Where, as a JSON Pointer (RFC 6901) into the body, or `?name` of the query.
    #[schema(example = "/email")]
    pub pointer: String,
    /// What, for programs.
    #[schema(example = "invalid_value")]
    pub code: String,
    /// What, for people.
    #[schema(example = "not an e-mail address of the form name@example.com")]
    pub message: String,
}

impl FieldProblem {
    /// A problem with one field.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), message: message.into() }
    }
}

/// The body of a problem (RFC 9457), `application/problem+json`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:ops-center:problem:<code>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:ops-center:problem:last_owner")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Conflict")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 409)]
    pub status: u16,
    /// One sentence that a person can act on.
    #[schema(example = "this is the last owner; make another member an owner first")]
    pub detail: String,
    /// The kind of problem, for programs.
    #[schema(example = "last_owner")]
    pub code: String,
    /// The request's id, as in `X-Request-ID`.
    pub request_id: String,
    /// The path of the request.
    #[schema(example = "/api/v1/org/members/usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    pub instance: String,
    /// With 422: each field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldProblem>>,
    /// With `insufficient_user_authentication`: the greatest age of a sign-in that is accepted, in seconds (RFC 9470).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// With 401 of `GET /auth/session`: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated: Option<bool>,
    /// `detail` again, for clients that read this name.
    pub message: String,
    /// `code` again, for clients that read this name.
    pub error: String,
}

/// An error answer. What the log must know and the client must not is in `cause`.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after: Option<u64>,
    max_age: Option<u64>,
    authenticated: Option<bool>,
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
        let detail = detail.into();
        let (retry_after, max_age, authenticated, cause) = (None, None, None, None);
        Self { status, code, detail, errors: Vec::new(), retry_after, max_age, authenticated, cause }
    }

    /// 401: nobody we know.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in first")
    }

    /// 401 for whoever asks whether they are signed in: the same, and it says so in a member of its own.
    pub fn nobody() -> Self {
        Self { authenticated: Some(false), ..Self::unauthenticated() }
    }

    /// 401 with RFC 9470's error code: the sign-in is too old for this.
    pub fn stale_sign_in(max_age: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "insufficient_user_authentication",
            format!("sign in again to do this: the last sign-in must be at most {max_age} seconds old"),
        );
        problem.max_age = Some(max_age);
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
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, one) }
    }

    /// 422 with a code of its own and the field that is wrong.
    pub fn invalid_as(code: &'static str, errors: Vec<FieldProblem>) -> Self {
        Self { code, ..Self::invalid(errors) }
    }

    /// 422 with one field that is wrong.
    pub fn invalid_field(pointer: &str, why: impl fmt::Display) -> Self {
        Self::invalid(vec![FieldProblem::new(pointer, "invalid_value", why.to_string())])
    }

    /// 429.
    pub fn too_many(seconds: u64) -> Self {
        let detail = format!("too many attempts; try again in {seconds} seconds");
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
        problem.retry_after = Some(seconds);
        problem
    }

    /// 503: cannot tell now. Never a denial, never "empty".
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        let detail = "a part of the service cannot be reached right now; try again shortly";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.retry_after = Some(1);
        problem.cause = Some(cause.to_string().into());
        problem
    }

    /// 500: a defect of ours. The log has the cause under the request's id.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail = "something went wrong on our side; tell the operator the request id";
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
        problem.cause = Some(cause.to_string().into());
        problem
    }

    /// The kind of problem, for programs.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// One sentence that a person can act on.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What the log must know.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The body, for a request at this place.
    pub fn body(&self, place: &Place) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:ops-center:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_owned(),
            request_id: place.request_id.clone(),
            instance: place.path.clone(),
            errors: (!self.errors.is_empty()).then(|| self.errors.clone()),
            max_age: self.max_age,
            authenticated: self.authenticated,
            message: self.detail.clone(),
            error: self.code.to_owned(),
        }
    }

    /// The answer to a request at this place. The problem itself rides along in its extensions, for the log.
    pub fn render(&self, place: &Place) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.content_type("application/problem+json");
        if let Some(seconds) = self.retry_after {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        if let Some(max_age) = self.max_age {
            let challenge = format!("Session error=\"insufficient_user_authentication\", max_age=\"{max_age}\"");
            response.insert_header(("WWW-Authenticate", challenge));
        } else if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", "Session"));
        }
        let mut response = response.json(self.body(place));
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
        write!(f, "{}: {}", self.code, self.detail)
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
