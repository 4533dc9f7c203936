use actix_web::http::StatusCode;
use kernel::Timestamp;
use usage_core::policy::{never_fits, resets_at};
use usage_core::{Shortfall, UsageError, Wall};

use super::Problem;
use crate::wire::time;

/// The member of a refusal that no time mends.
const NEVER_FITS: &str = "never_fits";

impl From<UsageError> for Problem {
    fn from(error: UsageError) -> Self {
        let detail = error.to_string();
        match error {
            UsageError::NoOrg | UsageError::NoSuchReservation => Self::not_found(),
            UsageError::QuotaExceeded(wall, shortfall) => Self::quota_exceeded(wall, &shortfall),
            UsageError::TooManyReservations => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_reservations", detail)
            }
            UsageError::EventConflict => Self::conflict("event_conflict", detail),
            UsageError::OutOfTime => Self::invalid_field("/occurred_at", detail),
            UsageError::ReservationEnded => Self::conflict("reservation_ended", detail),
            UsageError::Invalid(field, why) => Self::invalid_field(&format!("/{field}"), why),
            UsageError::Store(cause) => cause.into(),
        }
    }
}

impl Problem {
    /// 429: the plan's quota is used up; the counts that the call did not fit under, and when they begin anew. What is beyond a limit by
    /// itself never fits, and says so (`never_fits`): waiting does not help.
    pub fn quota_exceeded(wall: Wall, shortfall: &Shortfall) -> Self {
        let quantity = shortfall.quantity.get();
        let never = never_fits(shortfall, quantity);
        let wall = never.unwrap_or(wall);
        let count = shortfall.count(wall).unwrap_or(shortfall.month);
        let reset = time(resets_at(shortfall, wall));
        let (name, limit) = (wall.as_str(), count.limit.to_i64());
        let detail = match never {
            Some(_) => format!(
                "{quantity} never fits under the {name} quota of the plan {}, which is {limit}: take less at once, or another plan",
                shortfall.tier
            ),
            None => format!("the {name} quota of the plan {} is used up until {reset}", shortfall.tier),
        };
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", detail)
            .with("quota", name)
            .with("tier", shortfall.tier.clone())
            .with("used", count.used)
            .with("limit", limit)
            .with("remaining", count.remaining())
            .with("reset_date", reset);
        if never.is_some() { problem.with(NEVER_FITS, true) } else { problem }
    }

    /// The same problem, with the time from which it may be gone; none for what never fits.
    #[must_use]
    pub fn until(mut self, then: Timestamp, now: Timestamp) -> Self {
        if !self.0.extensions.contains_key(NEVER_FITS) {
            let left = then.signed_duration_since(now).num_milliseconds();
            self.0.retry_after = Some(u64::try_from(left).unwrap_or(0).div_ceil(1000).max(1));
        }
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::{Limit, Period};
    use usage_core::{Count, Quantity, Tally};

    use super::*;
    use crate::problem::Place;

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    /// 30 of 100 a month and of 40 a day are used; so much more was asked for, and this limit refused it.
    fn refused(quantity: u64, wall: Wall) -> Problem {
        let count = |limit, period| Count { used: 30, reserved: 0, limit: Limit::Of(limit), period };
        let (month, day) = (count(100, Period::month(now(), now())), count(40, Period::day(now())));
        let tally = Tally { tier: "free".to_owned(), month, day, user: None };
        let shortfall = Shortfall { tally, quantity: Quantity::new(quantity).unwrap() };
        let problem = Problem::from(UsageError::QuotaExceeded(wall, Box::new(shortfall)));
        problem.until(now() + TimeDelta::days(1), now())
    }

    #[test]
    fn what_fits_later_says_when() {
        let problem = refused(11, Wall::Day);
        assert_eq!(
            (problem.0.retry_after, problem.status().as_u16(), problem.code()),
            (Some(86_400), 429, "quota_exceeded")
        );
        assert!(problem.detail().contains("used up until 1970-01-02T00:00:00"), "{}", problem.detail());
        assert!(!problem.body(&Place::default()).extensions.contains_key("never_fits"));
        assert_eq!(refused(40, Wall::Day).0.retry_after, Some(86_400), "exactly the limit fits on a new day");
    }

    #[test]
    fn what_never_fits_says_so_and_names_no_time() {
        for (quantity, first, wall, limit) in [(41, Wall::Day, "daily", 40), (101, Wall::Month, "monthly", 100)] {
            let problem = refused(quantity, first);
            assert_eq!((problem.0.retry_after, problem.code()), (None, "quota_exceeded"));
            let wanted = format!("{quantity} never fits under the {wall} quota of the plan free, which is {limit}");
            assert!(problem.detail().starts_with(&wanted), "{}", problem.detail());
            let told = problem.body(&Place::default()).extensions;
            assert_eq!(
                (&told["never_fits"], &told["quota"], &told["limit"]),
                (&true.into(), &wall.into(), &limit.into())
            );
        }
        assert!(refused(80, Wall::Month).detail().starts_with("80 never fits under the daily quota"), "nor next month");
    }

    #[test]
    fn too_many_reservations_are_named_so() {
        let problem = Problem::from(UsageError::TooManyReservations);
        assert_eq!((problem.status().as_u16(), problem.code()), (429, "too_many_reservations"));
        assert!(problem.detail().contains("10000 open reservations"), "{}", problem.detail());
    }
}
