use actix_web::http::StatusCode;
use chrono::TimeDelta;
use kernel::Timestamp;
use usage_core::policy::{Outlook, outlook};
use usage_core::{Count, Shortfall, UsageError, Wall};

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
            UsageError::TooManyReservations(_) => {
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
    /// 429: the plan's quota is used up; the counts that the call did not fit under, and when they begin anew. Of several limits in the
    /// way that one is told which has room last. What no time mends says so (`never_fits`): it is beyond a limit by itself, or the
    /// period in which it counts is over.
    pub fn quota_exceeded(first: Wall, shortfall: &Shortfall) -> Self {
        let outlook = outlook(first, shortfall);
        let (Outlook::From(_, wall) | Outlook::Beyond(wall) | Outlook::Over(wall)) = outlook;
        let count = shortfall.count(wall).unwrap_or(shortfall.month);
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", sentence(outlook, shortfall, &count))
            .with("quota", wall.as_str())
            .with("tier", shortfall.tier.clone())
            .with("used", count.used)
            .with("limit", count.limit.to_i64())
            .with("remaining", count.remaining())
            .with("reset_date", time(count.period.end));
        match outlook {
            Outlook::From(then, _) => problem.until(then, shortfall.at),
            Outlook::Beyond(_) | Outlook::Over(_) => problem.with(NEVER_FITS, true),
        }
    }

    /// The same problem, with the time from which it may be gone: in whole seconds, of which none is too few.
    #[must_use]
    pub fn until(mut self, then: Timestamp, now: Timestamp) -> Self {
        let left = then.signed_duration_since(now);
        let whole = left.num_seconds();
        let seconds = if left > TimeDelta::seconds(whole) { whole.saturating_add(1) } else { whole };
        self.0.retry_after = Some(u64::try_from(seconds).unwrap_or(0).max(1));
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

/// Why a call did not fit under these counts, and whether it will.
fn sentence(outlook: Outlook, shortfall: &Shortfall, count: &Count) -> String {
    let (Outlook::From(_, wall) | Outlook::Beyond(wall) | Outlook::Over(wall)) = outlook;
    let quota = format!("the {} quota of the plan {}", wall.as_str(), shortfall.tier);
    let (quantity, limit, end) = (shortfall.quantity.get(), count.limit.to_i64(), time(count.period.end));
    match outlook {
        Outlook::From(then, _) if then < count.period.end => {
            format!(
                "what is left of {quota} is held for calls under way: it is used or free at {} at the latest",
                time(then)
            )
        }
        Outlook::From(..) => format!("{quota} is used up until {end}"),
        Outlook::Beyond(_) => {
            format!("{quantity} never fits under {quota}, which is {limit}: take less at once, or another plan")
        }
        Outlook::Over(_) if shortfall.settles => {
            format!(
                "{quota} has no room for {quantity} in the period in which it was held, until {end}, whenever it is settled"
            )
        }
        Outlook::Over(_) => {
            format!("{quota} was used up in the period in which this happened, and that is over since {end}")
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Limit, Period};
    use usage_core::{Quantity, Tally};

    use super::*;
    use crate::problem::Place;

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    /// 30 of 100 a month and of 40 a day are used; so much more was asked for, and this limit refused it.
    fn short(quantity: u64) -> Shortfall {
        let count = |limit, period| Count { used: 30, reserved: 0, limit: Limit::Of(limit), period };
        let (month, day) = (count(100, Period::month(now(), now())), count(40, Period::day(now())));
        let tally = Tally { tier: "free".to_owned(), month, day, user: None };
        Shortfall { tally, quantity: Quantity::new(quantity).unwrap(), at: now(), settles: false }
    }

    fn problem(wall: Wall, shortfall: Shortfall) -> Problem {
        Problem::from(UsageError::QuotaExceeded(wall, Box::new(shortfall)))
    }

    fn refused(quantity: u64, wall: Wall) -> Problem {
        problem(wall, short(quantity))
    }

    fn never_fits(problem: &Problem) -> bool {
        problem.body(&Place::default()).extensions.contains_key("never_fits")
    }

    #[test]
    fn of_two_limits_in_the_way_the_later_one_is_told() {
        let mut both = short(11);
        both.tally.month.used = 95;
        let problem = problem(Wall::Month, both);
        assert_eq!(problem.0.retry_after, Some(31 * 86_400), "the day ends before");
        let told = problem.body(&Place::default()).extensions;
        assert_eq!((&told["quota"], &told["reset_date"]), (&"monthly".into(), &"1970-02-01T00:00:00.000000Z".into()));
    }

    #[test]
    fn no_second_is_too_few() {
        for (micros, seconds) in [(1, 1), (1_000_000, 1), (1_000_001, 2), (1_999_999, 2), (2_000_000, 2)] {
            let at = now() + TimeDelta::days(1) - TimeDelta::microseconds(micros);
            assert_eq!(problem(Wall::Day, Shortfall { at, ..short(11) }).0.retry_after, Some(seconds), "{micros} µs");
        }
    }

    #[test]
    fn what_counts_in_a_period_that_is_over_is_not_told_to_wait() {
        let late = problem(Wall::Day, Shortfall { at: now() + TimeDelta::days(1), ..short(11) });
        assert_eq!((late.0.retry_after, never_fits(&late)), (None, true));
        assert!(late.detail().ends_with("and that is over since 1970-01-02T00:00:00.000000Z"), "{}", late.detail());
        let settled = problem(Wall::Day, Shortfall { settles: true, ..short(11) });
        assert_eq!((settled.0.retry_after, never_fits(&settled)), (None, true), "the day of the hold pays");
        assert!(settled.detail().contains("whenever it is settled"), "{}", settled.detail());
    }

    #[test]
    fn what_is_only_held_is_free_within_an_hour() {
        let mut held = short(11);
        (held.tally.day.used, held.tally.day.reserved) = (10, 25);
        let problem = problem(Wall::Day, held);
        assert_eq!((problem.0.retry_after, never_fits(&problem)), (Some(3_600), false));
        assert!(problem.detail().contains("is held for calls under way"), "{}", problem.detail());
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
        let problem = Problem::from(UsageError::TooManyReservations(now()));
        assert_eq!((problem.status().as_u16(), problem.code()), (429, "too_many_reservations"));
        assert!(problem.detail().contains("10000 open reservations"), "{}", problem.detail());
    }
}
