use kernel::{StoreError, TextError};

use crate::ports::NotRendered;

/// A value that cannot be what its field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Too long, or not for people to read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Empty, where the field must say something.
    #[error("must not be empty")]
    Empty,
    /// Not a telephone number.
    #[error("must be a telephone number in E.164 form, such as +4930123456")]
    Phone,
    /// Not a language.
    #[error("must be a BCP 47 language tag, such as en or de-AT")]
    Locale,
    /// Not a time zone.
    #[error("must be an IANA time zone name, such as Europe/Vienna")]
    Timezone,
    /// Not a threshold.
    #[error("must be a whole number from 50 to 100 (percent)")]
    Threshold,
    /// Not a frequency.
    #[error("must be one of immediate, daily, weekly")]
    Frequency,
}

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// The picture cannot be used.
    #[error(transparent)]
    Picture(#[from] NotRendered),
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
