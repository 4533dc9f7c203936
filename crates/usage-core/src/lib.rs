//! Metering: what was used, against what limit, exactly once. Without a web framework, a database or a runtime.
//!
//! The ledger is the truth. [`Metering`] records a call, holds quantity for one that is about to be made, and sets back; each is one
//! step of the [`Ledger`], which admits nothing beyond the limits and forgets no event. [`Usage`] answers questions, and [`Books`]
//! proves that every counter is the sum of its ledger rows. Each is a struct of ports; doubles of the ports, and the contract tests that
//! every adapter runs, are in `testing` (feature `testing`). Requests are counted against rates by a [`RateLimiter`].
//!
//! Quantities are whole numbers, periods are half-open and UTC: the month is counted from the subscription's beginning
//! ([`kernel::Period::month`]), the day is the calendar's. An event that is reported late counts in the periods of its own moment.
mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::UsageError,
    model::{
        event::{ActionName, Draft, Entry, EntryKind, EventId, FieldError, Quantity},
        history::{Cursor, DayUsage, Days, Difference, Grain, History, Slot, Sum, Verification},
        rate::{Bucket, Rate, Taken},
        tally::{Admitted, Allowance, Count, Held, Hold, Released, Settled, Shortfall, Tally, Wall},
    },
    ports::{Bookkeeping, Ledger, RateLimiter, UsageReader},
    service::{
        books::{Books, Progress},
        metering::{Metering, Report, Tracked},
        reservations::{Lease, Reservation},
        usage::{Current, Export, Span, Usage},
    },
};
