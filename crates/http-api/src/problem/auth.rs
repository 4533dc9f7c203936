use std::time::Duration;

use actix_web::http::StatusCode;
use auth_core::AuthError;

use super::{FieldProblem, Problem};

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let detail = error.to_string();
        match error {
            AuthError::InvalidCredentials => Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail),
            AuthError::TooManyAttempts(wait) => Self::too_many(whole_seconds(wait)),
            AuthError::SessionEnded => Self::unauthenticated(),
            AuthError::SessionNotFound | AuthError::UserNotFound | AuthError::OrgNotFound => Self::not_found(),
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
            AuthError::Store(cause) => cause.into(),
        }
    }
}

/// Rounded up, so that whoever waits that long gets through.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
