use actix_web::http::StatusCode;
use kernel::Timestamp;
use usage_core::policy::resets_at;
use usage_core::{Tally, UsageError, Wall};

use super::Problem;
use crate::wire::time;

impl From<UsageError> for Problem {
    fn from(error: UsageError) -> Self {
        let detail = error.to_string();
        match error {
            UsageError::NoOrg | UsageError::NoSuchReservation => Self::not_found(),
            UsageError::QuotaExceeded(wall, tally) => Self::quota_exceeded(wall, &tally),
            UsageError::EventConflict => Self::conflict("event_conflict", detail),
            UsageError::OutOfTime => Self::invalid_field("/occurred_at", detail),
            UsageError::ReservationEnded => Self::conflict("reservation_ended", detail),
            UsageError::Invalid(field, why) => Self::invalid_field(&format!("/{field}"), why),
            UsageError::Store(cause) => cause.into(),
        }
    }
}

impl Problem {
    /// 429: the plan's quota is used up; the counts that the call did not fit under, and when they begin anew.
    pub fn quota_exceeded(wall: Wall, tally: &Tally) -> Self {
        let count = tally.count(wall).unwrap_or(tally.month);
        let reset = time(resets_at(tally, wall));
        let detail = format!("the {} quota of the plan {} is used up until {reset}", wall.as_str(), tally.tier);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", detail)
            .with("quota", wall.as_str())
            .with("tier", tally.tier.clone())
            .with("used", count.used)
            .with("limit", count.limit.to_i64())
            .with("remaining", count.remaining())
            .with("reset_date", reset)
    }

    /// The same problem, with the time from which it may be gone.
    #[must_use]
    pub fn until(mut self, then: Timestamp, now: Timestamp) -> Self {
        let left = then.signed_duration_since(now).num_milliseconds();
        self.0.retry_after = Some(u64::try_from(left).unwrap_or(0).div_ceil(1000).max(1));
        self
    }

    /// 403: the plan does not open the service.
    pub fn upgrade_required(service: &str, current: &str, required: Option<&str>, upgrade_url: &str) -> Self {
        let detail = match required {
            Some(required) => format!("{service} needs the plan {required} or a higher one; yours is {current}"),
            None => format!("no plan that can be chosen opens {service}; yours is {current}"),
        };
        Self::new(StatusCode::FORBIDDEN, "upgrade_required", detail)
            .with("service", service)
            .with("current_tier", current)
            .with("required_tier", required)
            .with("upgrade_url", upgrade_url)
    }
}
