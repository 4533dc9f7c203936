use account_core::{AccountError, NotRendered};
use actix_web::http::StatusCode;

use super::{FieldProblem, Problem};

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NotFound => Self::not_found(),
            AccountError::Picture(why) => why.into(),
            AccountError::Store(cause) => cause.into(),
        }
    }
}

impl From<NotRendered> for Problem {
    fn from(why: NotRendered) -> Self {
        let detail = why.to_string();
        match why {
            NotRendered::UnknownFormat => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
            }
            NotRendered::TooLarge | NotRendered::Animated | NotRendered::Damaged => {
                Self::invalid_as("image_invalid", vec![FieldProblem::new("/avatar", "image_invalid", detail)])
            }
            NotRendered::Busy => Self::unavailable(detail),
        }
    }
}
