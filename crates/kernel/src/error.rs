use std::{error::Error, fmt};

/// A store could not do what it was asked. Opaque to the features: they pass it on, the edge decides how to answer.
///
/// `Unavailable` means "cannot tell now, try again" (HTTP 503); `Broken` means that a row or a program is wrong (HTTP 500).
/// Neither ever means "not found" or "denied".
#[derive(Debug)]
pub enum StoreError {
    /// The store cannot be reached, is overloaded, locked or full. Trying again later may help.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The store answered with something that must not be.
    Broken(Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Wraps the cause of an outage.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Wraps the description of a defect.
    pub fn broken(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Broken(cause.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable(_) => "the store cannot be reached",
            Self::Broken(_) => "the store gave an invalid answer",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(cause) | Self::Broken(cause) => Some(cause.as_ref()),
        }
    }
}
