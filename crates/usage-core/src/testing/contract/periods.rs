use std::time::Duration;

use kernel::{Limit, Period, Timestamp};

use super::stage::{DAY, Fate, HOUR, SECOND, Stage, numbers};
use crate::policy::{EARLY, LATE};
use crate::{Admitted, Allowance, Draft, Wall};

const MOMENT: Duration = Duration::from_micros(1);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) async fn late_events_go_to_their_own_period(s: &Stage<'_>) {
    // The month begins an hour before noon: what happened two hours ago belongs to the one before.
    let plan = Allowance { daily: Limit::Of(8), per_user: Limit::Of(6), anchor: s.noon - HOUR, ..s.monthly(10) };
    let (org, user) = (s.org(&plan).await, s.user().await);
    let late = |cost, ago: Duration| Draft { occurred_at: Some(s.noon - ago), user: Some(user), ..s.draft(org, cost) };
    let now = s.record(&Draft { user: Some(user), ..s.draft(org, 5) }).await;
    let tally = s.record(&late(2, HOUR * 2)).await;
    assert_eq!(tally.month.period.end, now.month.period.start, "the counts of its own periods");
    let sums = (tally.month.used, tally.day.used, tally.user.map(|count| count.used));
    assert_eq!(sums, (2, 7, Some(2)), "another month, the same day");
    assert_eq!(s.month(org, s.noon).await, (5, 0), "this month knows nothing of it");
    let tally = s.record(&late(4, HOUR * 20)).await;
    assert_eq!((tally.month.used, tally.day.used), (6, 4), "another month, another day");
    assert_eq!(tally.day.period, Period::day(s.noon - HOUR * 20));
    let Admitted::OverLimit(wall, tally) = s.admit(&late(1, HOUR * 20)).await else { panic!("nothing is left there") };
    assert_eq!((wall, tally.user.map(numbers)), (Wall::User, Some((6, 0))), "the limits of then");
    let nobody = Draft { user: None, ..late(5, HOUR * 20) };
    assert_eq!(s.fate(&nobody).await, Fate::Over(Wall::Month));
    assert_eq!(s.fate(&Draft { user: None, ..late(4, HOUR * 19) }).await, Fate::Recorded);
    assert_eq!(s.fate(&s.draft(org, 2)).await, Fate::Over(Wall::Day), "7 of today's 8, two of them of last month");
    assert_eq!(s.fate(&s.draft(org, 1)).await, Fate::Recorded);
    for then in [s.noon, s.noon - HOUR * 2, s.noon - HOUR * 20] {
        s.assert_sound(org, &[user], then).await;
    }
}

pub(super) async fn what_is_too_late_or_too_early_is_refused(s: &Stage<'_>) {
    let org = s.org(&s.monthly(9)).await;
    for (occurred, expected) in [
        (s.noon - LATE, Fate::Recorded),
        (s.noon - LATE - MOMENT, Fate::OutOfTime),
        (s.noon - DAY * 400, Fate::OutOfTime),
        (s.noon + EARLY, Fate::Recorded),
        (s.noon + EARLY + MOMENT, Fate::OutOfTime),
        (s.noon + DAY * 400, Fate::OutOfTime),
    ] {
        let draft = Draft { occurred_at: Some(occurred), ..s.draft(org, 1) };
        assert_eq!(s.fate(&draft).await, expected, "{occurred}, heard of at {}", s.noon);
        if expected == Fate::OutOfTime {
            let mended = Draft { occurred_at: None, ..draft };
            assert_eq!(s.fate(&mended).await, Fate::Recorded, "its name was not taken");
        }
    }
    let over = Draft { occurred_at: Some(s.noon - DAY * 2), ..s.draft(org, 1_000) };
    assert_eq!(s.fate(&over).await, Fate::OutOfTime, "the time is asked before the limits");
    s.assert_sound(org, &[], s.noon).await;
}

pub(super) async fn nothing_happened_before_there_was_the_organization(s: &Stage<'_>) {
    let org = s.org(&s.monthly(9)).await;
    let made = s.noon - HOUR * 2;
    s.stores.world.made(org, made).await;
    for (occurred, expected) in [
        (made - MOMENT, Fate::OutOfTime),
        (made - HOUR * 5, Fate::OutOfTime),
        (made, Fate::Recorded),
        (made + MOMENT, Fate::Recorded),
    ] {
        let draft = Draft { occurred_at: Some(occurred), ..s.draft(org, 1) };
        assert_eq!(s.fate(&draft).await, expected, "{occurred}, made at {made}");
        if expected == Fate::OutOfTime {
            assert_eq!(s.fate(&Draft { occurred_at: None, ..draft }).await, Fate::Recorded, "its name was not taken");
        }
    }
    let slow = Draft { received_at: made - SECOND, ..s.draft(org, 1) };
    assert_eq!(s.fate(&slow).await, Fate::Recorded, "who names no time is not asked by another clock");
    assert_eq!(s.ledger(org).await.len(), 5);
    s.assert_sound(org, &[], s.noon).await;
}

/// The last moment of a month and the first of the next, for anchors on days that some months lack.
pub(super) async fn months_follow_their_anchor(s: &Stage<'_>) {
    for (anchor, boundaries) in [
        ("2027-01-28T10:00:00Z", ["2027-02-28T10:00:00Z", "2028-02-28T10:00:00Z", "2028-05-28T10:00:00Z"]),
        ("2027-01-29T10:00:00Z", ["2027-02-28T10:00:00Z", "2028-02-29T10:00:00Z", "2028-05-29T10:00:00Z"]),
        ("2027-01-30T10:00:00Z", ["2027-02-28T10:00:00Z", "2028-02-29T10:00:00Z", "2028-05-30T10:00:00Z"]),
        ("2027-01-31T10:00:00Z", ["2027-02-28T10:00:00Z", "2028-02-29T10:00:00Z", "2028-05-31T10:00:00Z"]),
        ("2027-12-31T00:00:00Z", ["2028-02-29T00:00:00Z", "2028-04-30T00:00:00Z", "2028-12-31T00:00:00Z"]),
    ] {
        let org = s.org(&Allowance { anchor: at(anchor), ..s.monthly(2) }).await;
        for boundary in boundaries.map(at) {
            let on = |moment| Draft { received_at: moment, ..s.draft(org, 1) };
            let last = s.record(&Draft { quantity: super::stage::quantity(2), ..on(boundary - MOMENT) }).await;
            assert_eq!((last.month.used, last.month.period.end), (2, boundary), "the last moment of a month: {anchor}");
            assert_eq!(s.fate(&on(boundary - MOMENT)).await, Fate::Over(Wall::Month));
            let first = s.record(&on(boundary)).await;
            assert_eq!((first.month.used, first.month.period.start), (1, boundary), "the first of the next");
            let late = Draft { occurred_at: Some(boundary - MOMENT), ..on(boundary + SECOND) };
            assert_eq!(s.fate(&late).await, Fate::Over(Wall::Month), "no event lies in two months or in none");
            assert_eq!(s.month(org, boundary - MOMENT).await, (2, 0));
            assert_eq!(s.month(org, boundary).await, (1, 0));
        }
        assert_eq!(s.stores.books.verify(org).await.unwrap().differences, vec![]);
    }
}

pub(super) async fn days_are_utc(s: &Stage<'_>) {
    let org = s.org(&Allowance { daily: Limit::Of(2), ..s.unlimited() }).await;
    let midnight = Period::day(s.noon).end;
    let on = |cost, moment| Draft { received_at: moment, ..s.draft(org, cost) };
    let last = s.record(&on(2, midnight - MOMENT)).await;
    assert_eq!((last.day.used, last.day.period.end), (2, midnight));
    assert_eq!(s.fate(&on(1, midnight - MOMENT)).await, Fate::Over(Wall::Day));
    let first = s.record(&on(1, midnight)).await;
    assert_eq!((first.day.used, first.day.period.start, first.month.used), (1, midnight, 3));
    s.assert_sound(org, &[], midnight).await;
}
