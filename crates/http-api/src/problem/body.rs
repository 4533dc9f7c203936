use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

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
    /// With `rate_limited`: the names of the rules that the request went over, as in `RateLimit-Policy`.
    #[serde(rename = "violated-policies", skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["api"]))]
    pub violated_policies: Option<Vec<String>>,
    /// With 401 of `GET /auth/session`: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated: Option<bool>,
    /// `detail` again, for clients that read this name.
    pub message: String,
    /// `code` again, for clients that read this name.
    pub error: String,
    /// What this kind of problem tells beside that (RFC 9457, 3.2).
    #[serde(flatten)]
    pub extensions: BTreeMap<String, Value>,
}
