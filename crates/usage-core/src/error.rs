use kernel::StoreError;

use crate::{FieldError, Tally, Wall};

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// There is no such organization, or it is suspended or deleted: never told apart.
    #[error("there is no such organization")]
    NoOrg,
    /// It does not fit under this limit; the counts are those it did not fit under.
    #[error("the {} quota of the plan is used up", .0.as_str())]
    QuotaExceeded(Wall, Box<Tally>),
    /// Another event has this name.
    #[error("another event was recorded with this event_id")]
    EventConflict,
    /// It happened too long ago to count in its own period, or has not happened yet.
    #[error("occurred_at must lie within the last 24 hours")]
    OutOfTime,
    /// There is no such reservation of this organization.
    #[error("there is no such reservation")]
    NoSuchReservation,
    /// The reservation was settled with another quantity, was released, or ran out.
    #[error("the reservation has ended")]
    ReservationEnded,
    /// A field of the request cannot be what it is.
    #[error("{0} {1}")]
    Invalid(&'static str, #[source] FieldError),
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
