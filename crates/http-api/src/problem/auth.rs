use std::time::Duration;

use actix_web::http::StatusCode;
use auth_core::{AuthError, Scope};

use super::{FieldProblem, Problem};

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let detail = error.to_string();
        match error {
            AuthError::InvalidCredentials => Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail),
            AuthError::TooManyAttempts(wait) => Self::too_many(whole_seconds(wait)),
            AuthError::SessionEnded => Self::unauthenticated(),
            AuthError::SessionNotFound
            | AuthError::UserNotFound
            | AuthError::OrgNotFound
            | AuthError::ApiKeyNotFound => Self::not_found(),
            AuthError::WrongPassword => Self::new(StatusCode::BAD_REQUEST, "wrong_password", detail),
            AuthError::WeakPassword(violations) => Self::invalid_as(
                "weak_password",
                violations.iter().map(|v| FieldProblem::new("/new_password", v.code(), v.to_string())).collect(),
            ),
            AuthError::EmailTaken => Self::conflict("email_taken", detail),
            AuthError::UsernameTaken => Self::conflict("username_taken", detail),
            AuthError::UsernameReserved => Self::invalid_field("/username", detail),
            AuthError::LastOwner => Self::conflict("last_owner", detail),
            AuthError::NotFresh { max_age } => Self::stale_sign_in(max_age.as_secs()),
            AuthError::TooManyKeys => Self::conflict("too_many_keys", detail),
            AuthError::BadKeyExpiry => Self::invalid_field("/expires_at", detail),
            AuthError::PlatformScope => Self::invalid_field("/scopes", detail),
            AuthError::PlatformAdminOnly | AuthError::Outdated => Self::forbidden(detail),
            AuthError::Store(cause) => cause.into(),
        }
    }
}

impl Problem {
    /// 401: nobody we know, where a service may ask too.
    pub fn no_credential() -> Self {
        let detail = "sign in first, or send an API key";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).challenge("Session, Bearer".to_owned())
    }

    /// 401: the API key is not one that lives (RFC 6750, 3.1).
    pub fn invalid_api_key() -> Self {
        let detail = "the API key is wrong, revoked or expired, or its organization is suspended";
        let challenge = "Bearer error=\"invalid_token\"".to_owned();
        Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", detail).challenge(challenge)
    }

    /// 403: the API key may not do this (RFC 6750, 3.1).
    pub fn insufficient_scope(scope: Scope) -> Self {
        let scope = scope.as_str();
        let detail = format!("this needs an API key with the scope {scope}");
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", detail).challenge(challenge)
    }

    /// 403: a person asks for what only services do.
    pub fn api_key_required() -> Self {
        let detail = "this needs the API key of a service; a session cannot do it";
        Self::new(StatusCode::FORBIDDEN, "api_key_required", detail)
    }

    /// 403: a service asks for what only people do.
    pub fn session_required() -> Self {
        let detail = "this needs the session of somebody who is signed in; an API key cannot do it";
        Self::new(StatusCode::FORBIDDEN, "session_required", detail)
    }
}

/// Rounded up, so that whoever waits that long gets through.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
