use std::time::Duration;

use chrono::{NaiveTime, SecondsFormat, TimeDelta};
use kernel::Timestamp;

/// So late an event may be reported and still count in the period of its own moment.
pub const LATE: Duration = Duration::from_hours(24);
/// So far the sender's clock may be ahead.
pub const EARLY: Duration = Duration::from_mins(5);

/// Whether what happened at `occurred` and was heard of at `received` still counts: at most [`LATE`] late and [`EARLY`] early, both
/// included.
pub fn in_time(occurred: Timestamp, received: Timestamp) -> bool {
    let late = received.signed_duration_since(occurred);
    let within = |bound: Duration, by: TimeDelta| TimeDelta::from_std(bound).is_ok_and(|bound| by <= bound);
    within(LATE, late) && within(EARLY, -late)
}

/// Whether an event of an organization that was made at `made` counts: [`in_time`], and, where its sender names a moment, not before
/// that. A call without a moment happened when it was received, by whichever clock.
pub fn counts(occurred: Option<Timestamp>, received: Timestamp, made: Timestamp) -> bool {
    occurred.is_none_or(|occurred| in_time(occurred, received) && occurred >= made)
}

/// The first moment of a period as people read it: a date when that is a midnight, else the moment (RFC 3339).
pub fn start(at: Timestamp) -> String {
    match at.time() {
        NaiveTime::MIN => at.date_naive().to_string(),
        _ => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

/// How many days there are until a moment, a day that has begun counted as one; 0 when it has passed.
pub fn days_until(now: Timestamp, then: Timestamp) -> u64 {
    let seconds = then.signed_duration_since(now).num_seconds();
    u64::try_from(seconds).unwrap_or(0).div_ceil(86_400)
}
