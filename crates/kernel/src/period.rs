use chrono::{Datelike, Days, Months, NaiveTime};

use crate::Timestamp;

/// A stretch of time, half-open: `start` belongs to it, `end` to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// Its first moment, UTC.
    pub start: Timestamp,
    /// The first moment after it, UTC.
    pub end: Timestamp,
}

impl Period {
    /// The month, counted from `anchor`, in which `at` lies. A month that lacks the anchor's day begins on its last day, and the next
    /// one on the anchor's day again: 31 January, 28 February, 31 March. Times before the anchor lie in months counted backwards.
    pub fn month(anchor: Timestamp, at: Timestamp) -> Self {
        Self::months(anchor, at, 1)
    }

    /// The same for a stretch of `every` months (at least one): twelve are a year.
    pub fn months(anchor: Timestamp, at: Timestamp, every: u32) -> Self {
        let months = |t: Timestamp| i64::from(t.year()) * 12 + i64::from(t.month0());
        let guess = months(at) - months(anchor);
        // The guess is the month of the calendar; before the anchor's day it is the one before.
        let month = if nth(anchor, guess) > at { guess - 1 } else { guess };
        let every = i64::from(every.max(1));
        let first = month.div_euclid(every) * every;
        Self { start: nth(anchor, first), end: nth(anchor, first + every) }
    }

    /// The day, UTC, in which `at` lies.
    pub fn day(at: Timestamp) -> Self {
        let midnight = at.date_naive().and_time(NaiveTime::MIN).and_utc();
        Self { start: midnight, end: midnight.checked_add_days(Days::new(1)).unwrap_or(Timestamp::MAX_UTC) }
    }

    /// Whether `at` lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// The beginning of the `number`th month after the anchor.
fn nth(anchor: Timestamp, number: i64) -> Timestamp {
    let months = Months::new(u32::try_from(number.unsigned_abs()).unwrap_or(u32::MAX));
    let (moved, edge) = if number < 0 {
        (anchor.checked_sub_months(months), Timestamp::MIN_UTC)
    } else {
        (anchor.checked_add_months(months), Timestamp::MAX_UTC)
    };
    moved.unwrap_or(edge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    fn month(anchor: &str, moment: &str) -> (String, String) {
        let period = Period::month(at(anchor), at(moment));
        (period.start.to_rfc3339(), period.end.to_rfc3339())
    }

    #[test]
    fn a_month_keeps_the_day_of_its_anchor_where_there_is_one() {
        let cases = [
            ("2026-01-31T10:00:00Z", "2026-02-28T09:59:59Z", "2026-01-31", "2026-02-28"),
            ("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z", "2026-02-28", "2026-03-31"),
            ("2026-01-31T10:00:00Z", "2026-03-31T10:00:00Z", "2026-03-31", "2026-04-30"),
            ("2024-01-29T10:00:00Z", "2024-02-29T10:00:00Z", "2024-02-29", "2024-03-29"),
            ("2024-02-29T10:00:00Z", "2025-02-28T10:00:00Z", "2025-02-28", "2025-03-29"),
            ("2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z", "2026-12-31", "2027-01-31"),
            ("2026-03-15T10:00:00Z", "2026-03-01T00:00:00Z", "2026-02-15", "2026-03-15"),
        ];
        for (anchor, moment, start, end) in cases {
            let expected = (format!("{start}T10:00:00+00:00"), format!("{end}T10:00:00+00:00"));
            assert_eq!(month(anchor, moment), expected, "{anchor} {moment}");
        }
    }

    #[test]
    fn a_year_keeps_the_day_of_its_anchor_too() {
        let year = Period::months(at("2024-02-29T10:00:00Z"), at("2025-02-28T09:59:59Z"), 12);
        assert_eq!((year.start, year.end), (at("2024-02-29T10:00:00Z"), at("2025-02-28T10:00:00Z")));
        let before = Period::months(at("2024-02-29T10:00:00Z"), at("2024-02-29T09:00:00Z"), 12);
        assert_eq!((before.start, before.end), (at("2023-02-28T10:00:00Z"), at("2024-02-29T10:00:00Z")));
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_exactly_one_month(anchor in 0_i64..4_000_000_000, moment in 0_i64..4_000_000_000) {
            let time = |seconds| Timestamp::from_timestamp(seconds, 0).unwrap_or_default();
            let period = Period::month(time(anchor), time(moment));
            prop_assert!(period.contains(time(moment)));
            let next = Period::month(time(anchor), period.end);
            prop_assert_eq!(next.start, period.end);
            let before = period.start - chrono::TimeDelta::microseconds(1);
            prop_assert_eq!(Period::month(time(anchor), before).end, period.start);
        }

        #[test]
        fn every_moment_lies_in_exactly_one_day(moment in 0_i64..4_000_000_000) {
            let time = Timestamp::from_timestamp(moment, 0).unwrap_or_default();
            let day = Period::day(time);
            prop_assert!(day.contains(time));
            prop_assert_eq!(Period::day(day.end).start, day.end);
        }
    }
}
