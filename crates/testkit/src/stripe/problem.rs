//! What Stripe says when it does not do something (docs.stripe.com/api/errors).

use serde_json::{Value, json};

/// An error: a status and a body.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Problem {
    fn new(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        Self { status, body: json!({"error": {"type": kind, "code": code, "message": message}}) }
    }

    /// The request is wrong.
    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "invalid_request_error", None, message)
    }

    /// The same, with a code.
    pub(super) fn coded(code: &str, message: &str) -> Self {
        Self::new(400, "invalid_request_error", Some(code), message)
    }

    /// What the path names is not there.
    pub(super) fn not_found(what: &str) -> Self {
        let mut problem =
            Self::new(404, "invalid_request_error", Some("resource_missing"), &format!("No such object: '{what}'"));
        problem.body["error"]["param"] = json!("id");
        problem
    }

    /// What a parameter names is not there.
    pub(super) fn missing(param: &str, what: &str) -> Self {
        let mut problem = Self::coded("resource_missing", &format!("No such object: '{what}'"));
        problem.body["error"]["param"] = json!(param);
        problem
    }

    /// The card does not pay: with a code of the bank, such as `insufficient_funds`.
    pub(super) fn declined(reason: &str) -> Self {
        let code = if reason == "authentication_required" { reason } else { "card_declined" };
        let mut problem = Self::new(402, "card_error", Some(code), "Your card was declined.");
        problem.body["error"]["decline_code"] = json!(reason);
        problem
    }

    /// There is nothing to charge.
    pub(super) fn no_method() -> Self {
        Self::coded("resource_missing", "This customer has no attached payment source or default payment method.")
    }

    /// A key was used for something else before.
    pub(super) fn other_parameters() -> Self {
        let message =
            "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Self::new(400, "idempotency_error", None, message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "invalid_request_error", None, "Invalid API Key provided")
    }

    /// An error of Stripe's own.
    pub(super) fn of_status(status: u16) -> Self {
        let (kind, code) = match status {
            429 => ("invalid_request_error", Some("rate_limit")),
            409 => ("invalid_request_error", Some("lock_timeout")),
            _ => ("api_error", None),
        };
        Self::new(status, kind, code, "Something went wrong.")
    }
}
