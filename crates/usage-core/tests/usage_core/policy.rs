//! Pure decisions, case by case.

use chrono::NaiveDate;
use kernel::{Limit, Period, Timestamp};
use proptest::prelude::*;
use usage_core::policy::{
    Outlook, counts, days_until, history, in_time, leases_end, never_fits, outlook, percentage, resets_at, slots, start,
};
use usage_core::{Count, DayUsage, Days, Grain, Quantity, Shortfall, Sum, Tally, Wall};

use crate::world::service;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn count(used: u64, limit: Limit) -> Count {
    Count { used, reserved: 0, limit, period: Period::day(at("2026-11-22T10:00:00Z")) }
}

#[test]
fn lateness_has_a_window() {
    let received = at("2026-11-22T10:00:00Z");
    for (occurred, expected) in [
        ("2026-11-22T10:00:00Z", true),
        ("2026-11-21T10:00:00Z", true),
        ("2026-11-21T09:59:59.999999Z", false),
        ("2026-11-22T10:05:00Z", true),
        ("2026-11-22T10:05:00.000001Z", false),
        ("0001-01-01T00:00:00Z", false),
        ("9999-12-31T23:59:59Z", false),
    ] {
        assert_eq!(in_time(at(occurred), received), expected, "{occurred}");
    }
}

#[test]
fn no_named_moment_lies_before_the_organization() {
    let (made, received) = (at("2026-11-22T09:00:00Z"), at("2026-11-22T10:00:00Z"));
    for (occurred, expected) in [
        (None, true),
        (Some("2026-11-22T09:00:00Z"), true),
        (Some("2026-11-22T08:59:59.999999Z"), false),
        (Some("2026-11-22T10:05:00.000001Z"), false),
    ] {
        assert_eq!(counts(occurred.map(at), received, made), expected, "{occurred:?}");
    }
    assert!(counts(None, made - chrono::TimeDelta::seconds(1), made), "another clock is no reason to refuse");
}

#[test]
fn a_period_is_named_by_its_first_moment() {
    for (moment, name) in [
        ("2026-11-22T00:00:00Z", "2026-11-22"),
        ("2026-11-22T09:30:00Z", "2026-11-22T09:30:00Z"),
        ("2026-11-22T00:00:00.000001Z", "2026-11-22T00:00:00.000001Z"),
        ("2026-11-22T23:59:59.5Z", "2026-11-22T23:59:59.500Z"),
    ] {
        assert_eq!(start(at(moment)), name);
    }
}

#[test]
fn what_is_beyond_a_limit_by_itself_never_fits() {
    let limits = |month, day, user| Tally {
        tier: "t".to_owned(),
        month: count(9, month),
        day: count(9, day),
        user: Some(count(9, user)),
    };
    let tally = limits(Limit::Of(30), Limit::Of(20), Limit::Of(10));
    for (quantity, wall) in [(10, None), (11, Some(Wall::User)), (21, Some(Wall::Day)), (31, Some(Wall::Month))] {
        assert_eq!(never_fits(&tally, quantity), wall, "{quantity}");
    }
    let endless = limits(Limit::Unlimited, Limit::Unlimited, Limit::Unlimited);
    assert_eq!(never_fits(&endless, Quantity::MAX), None);
    assert_eq!(never_fits(&Tally { user: None, ..tally }, 11), None, "nobody has a limit of their own");
}

#[test]
fn days_that_have_begun_count() {
    let now = at("2026-11-22T10:00:00Z");
    for (then, expected) in [
        ("2026-11-22T10:00:00Z", 0),
        ("2026-11-20T10:00:00Z", 0),
        ("2026-11-22T10:00:01Z", 1),
        ("2026-11-23T10:00:00Z", 1),
        ("2026-11-23T10:00:01Z", 2),
        ("2026-12-22T10:00:00Z", 30),
    ] {
        assert_eq!(days_until(now, at(then)), expected, "{then}");
    }
}

#[test]
fn a_percentage_is_full_only_when_nothing_is_left() {
    for (used, limit, expected) in [
        (0, Limit::Of(1_000), 0),
        (9, Limit::Of(1_000), 0),
        (10, Limit::Of(1_000), 1),
        (999, Limit::Of(1_000), 99),
        (1_000, Limit::Of(1_000), 100),
        (5_000, Limit::Of(1_000), 100),
        (0, Limit::Of(0), 100),
        (u64::MAX - 1, Limit::Of(u64::MAX), 99),
        (5_000, Limit::Unlimited, 0),
    ] {
        assert_eq!(percentage(&count(used, limit)), expected, "{used} of {limit:?}");
    }
}

#[test]
fn each_limit_has_its_own_reset() {
    let (anchor, now) = (at("2026-01-31T10:00:00Z"), at("2026-02-10T12:00:00Z"));
    let month = Count { period: Period::month(anchor, now), ..count(0, Limit::Unlimited) };
    let today = Count { period: Period::day(now), ..count(0, Limit::Unlimited) };
    let tally = Tally { tier: "t".to_owned(), month, day: today, user: None };
    assert_eq!(resets_at(&tally, Wall::Month), at("2026-02-28T10:00:00Z"));
    assert_eq!(resets_at(&tally, Wall::Day), at("2026-02-11T00:00:00Z"));
    assert_eq!(resets_at(&tally, Wall::User), at("2026-02-28T10:00:00Z"));
}

/// Of a month until 10 o'clock of the 28th and this day, with these counts of used and held against these limits; refused now.
fn short(now: &str, month: (u64, u64, u64), day: (u64, u64, u64), quantity: u64) -> Shortfall {
    let at = at(now);
    let anchor = "2026-01-28T10:00:00Z".parse().unwrap();
    let of = |(used, reserved, limit), period| Count { used, reserved, limit: Limit::Of(limit), period };
    let (month, day) = (of(month, Period::month(anchor, at)), of(day, Period::day(at)));
    let tally = Tally { tier: "t".to_owned(), month, day, user: None };
    Shortfall { tally, quantity: Quantity::new(quantity).unwrap(), at, settles: false }
}

#[test]
fn a_refused_call_fits_once_every_limit_in_its_way_has_room() {
    let (noon, end) = ("2026-02-10T12:00:00Z", at("2026-02-28T10:00:00Z"));
    let midnight = at("2026-02-11T00:00:00Z");
    let both = short(noon, (5, 0, 10), (5, 0, 6), 6);
    assert_eq!(outlook(Wall::Month, &both), Outlook::From(end, Wall::Month), "the day ends before");
    let day = short(noon, (5, 0, 100), (5, 0, 6), 2);
    assert_eq!(outlook(Wall::Day, &day), Outlook::From(midnight, Wall::Day));
    // On its last day the month ends before the day.
    let last = short("2026-02-28T09:00:00Z", (10, 0, 10), (6, 0, 6), 1);
    assert_eq!(outlook(Wall::Month, &last), Outlook::From(at("2026-03-01T00:00:00Z"), Wall::Day));
    assert_eq!(outlook(Wall::Month, &short(noon, (5, 0, 10), (5, 0, 6), 7)), Outlook::Beyond(Wall::Day));
}

#[test]
fn what_is_held_is_free_before_the_period_ends() {
    let noon = "2026-02-10T12:00:00Z";
    let held = short(noon, (3, 7, 10), (0, 0, 100), 2);
    assert_eq!(outlook(Wall::Month, &held), Outlook::From(at("2026-02-10T13:00:00Z"), Wall::Month));
    assert_eq!(leases_end(at(noon)), at("2026-02-10T13:00:00Z"));
    let used = short(noon, (9, 1, 10), (0, 0, 100), 2);
    assert_eq!(outlook(Wall::Month, &used), Outlook::From(at("2026-02-28T10:00:00Z"), Wall::Month), "not by itself");
    let late = short("2026-02-10T23:30:00Z", (0, 0, 100), (0, 10, 10), 2);
    assert_eq!(outlook(Wall::Day, &late), Outlook::From(at("2026-02-11T00:00:00Z"), Wall::Day), "the day ends before");
}

#[test]
fn what_counts_in_a_period_that_is_over_never_fits() {
    let day = short("2026-02-10T12:00:00Z", (5, 0, 100), (6, 0, 6), 1);
    for (at, expected) in [
        ("2026-02-10T23:59:59.999999Z", Outlook::From(at("2026-02-11T00:00:00Z"), Wall::Day)),
        ("2026-02-11T00:00:00Z", Outlook::Over(Wall::Day)),
        ("2026-02-11T12:00:00Z", Outlook::Over(Wall::Day)),
    ] {
        let told = outlook(Wall::Day, &Shortfall { at: at.parse().unwrap(), ..day.clone() });
        assert_eq!(told, expected, "{at}");
    }
    // The periods of the hold pay, so that settling it does not get easier when they end.
    let settled = Shortfall { settles: true, ..day };
    assert_eq!(outlook(Wall::Day, &settled), Outlook::Over(Wall::Day));
    let among_others = Shortfall { settles: true, ..short("2026-02-10T12:00:00Z", (5, 0, 100), (2, 4, 6), 4) };
    assert_eq!(outlook(Wall::Day, &among_others), Outlook::From(at("2026-02-10T13:00:00Z"), Wall::Day));
}

fn row(on: &str, name: &str, quantity: u64) -> DayUsage {
    DayUsage { day: day(on), service: service(name), events: 1, quantity }
}

/// First and last day and quantity of each stretch.
fn cut(rows: &[DayUsage], from: &str, to: &str, grain: Grain) -> Vec<(String, String, u64)> {
    let cut = slots(rows, Days { from: day(from), to: day(to) }, grain);
    cut.iter().map(|slot| (slot.days.from.to_string(), slot.days.to.to_string(), slot.sum.quantity)).collect()
}

#[test]
fn history_is_cut_into_weeks_and_months() {
    let rows = [
        row("2024-02-26", "chat", 1),
        row("2024-02-29", "chat", 2),
        row("2024-03-03", "chat", 4),
        row("2024-03-04", "chat", 8),
        row("2024-04-01", "chat", 99),
    ];
    let expected = |list: &[(&str, &str, u64)]| -> Vec<(String, String, u64)> {
        list.iter().map(|(from, to, sum)| ((*from).to_owned(), (*to).to_owned(), *sum)).collect()
    };
    let weeks = cut(&rows, "2024-02-28", "2024-03-12", Grain::Week);
    let list = [("2024-02-28", "2024-03-03", 6), ("2024-03-04", "2024-03-10", 8), ("2024-03-11", "2024-03-12", 0)];
    assert_eq!(weeks, expected(&list), "from Monday to Sunday, as far as asked for");
    let months = cut(&rows, "2023-12-30", "2024-03-31", Grain::Month);
    let list = [
        ("2023-12-30", "2023-12-31", 0),
        ("2024-01-01", "2024-01-31", 0),
        ("2024-02-01", "2024-02-29", 3),
        ("2024-03-01", "2024-03-31", 12),
    ];
    assert_eq!(months, expected(&list));
    assert_eq!(cut(&rows, "2024-03-03", "2024-03-03", Grain::Day), expected(&[("2024-03-03", "2024-03-03", 4)]));
    assert_eq!(cut(&rows, "2024-03-04", "2024-03-03", Grain::Day), vec![], "no days");
}

#[test]
fn a_stretch_has_its_services_by_name() {
    let rows = [row("2024-03-04", "tts", 1), row("2024-03-04", "chat", 2), row("2024-03-05", "tts", 4)];
    let days = Days { from: day("2024-03-04"), to: day("2024-03-10") };
    let week = &slots(&rows, days, Grain::Week)[0];
    let sum = |events, quantity| Sum { events, quantity };
    assert_eq!(week.services, vec![(service("chat"), sum(1, 2)), (service("tts"), sum(2, 5))]);
    assert_eq!(week.sum, sum(3, 7));
    assert_eq!(Sum::of(&rows[1]), sum(1, 2));
}

proptest! {
    #[test]
    fn no_day_is_in_two_stretches_or_in_none(
        start in 0_u64..20_000,
        length in 0_u64..400,
        used in prop::collection::vec((0_u64..400, 0_u64..1_000), 0..40),
        grain in prop::sample::select(Grain::ALL.to_vec()),
    ) {
        let from = day("1990-01-01") + chrono::Days::new(start);
        let days = Days { from, to: from + chrono::Days::new(length) };
        let on = |(offset, quantity): &(u64, u64)| DayUsage {
            day: from + chrono::Days::new(offset % (length + 1)),
            quantity: *quantity,
            ..row("1990-01-01", "chat", 0)
        };
        let rows: Vec<_> = used.iter().map(on).collect();
        let history = history(&rows, days, grain);
        let covered: Vec<_> = history.slots.iter().flat_map(|slot| slot.days.iter()).collect();
        prop_assert_eq!(covered, days.iter().collect::<Vec<_>>());
        let sum: u64 = history.slots.iter().map(|slot| slot.sum.quantity).sum();
        prop_assert_eq!(sum, used.iter().map(|(_, quantity)| quantity).sum::<u64>());
        prop_assert_eq!(history.total.quantity, sum);
        prop_assert_eq!(history.services.iter().map(|(_, sum)| sum.quantity).sum::<u64>(), sum);
    }
}
