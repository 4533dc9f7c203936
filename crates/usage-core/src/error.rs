use kernel::{StoreError, Timestamp};

use crate::{FieldError, Shortfall, Wall};

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// There is no such organization, or it is suspended or deleted: never told apart.
    #[error("there is no such organization")]
    NoOrg,
    /// It does not fit under this limit; the counts are those it did not fit under.
    #[error("the {} quota of the plan is used up", .0.as_str())]
    QuotaExceeded(Wall, Box<Shortfall>),
    /// As many reservations of the organization are open as may be, however little each of them holds; the first of them ends by
    /// itself at this moment.
    #[error(
        "the organization has {} open reservations, and no more are made: settle or release some",
        crate::Hold::MOST_OPEN
    )]
    TooManyReservations(Timestamp),
    /// Another event has this name.
    #[error("another event was recorded with this event_id")]
    EventConflict,
    /// It happened too long ago to count in its own period, or before there was the organization, or has not happened yet.
    #[error("occurred_at must lie within the last 24 hours, and not before the organization was made")]
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

impl UsageError {
    /// This limit refused it first.
    pub(crate) fn over(wall: Wall, shortfall: Shortfall) -> Self {
        Self::QuotaExceeded(wall, Box::new(shortfall))
    }
}
