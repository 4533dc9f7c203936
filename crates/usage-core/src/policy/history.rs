use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use kernel::ServiceName;

use crate::{DayUsage, Days, Grain, History, Slot, Sum};

/// The last day of the stretch in which a day lies.
fn end(grain: Grain, day: NaiveDate) -> NaiveDate {
    let last = match grain {
        Grain::Day => Some(day),
        Grain::Week => day.checked_add_days(chrono::Days::new(u64::from(6 - day.weekday().num_days_from_monday()))),
        Grain::Month => day.with_day(u32::from(day.num_days_in_month())),
    };
    last.unwrap_or(NaiveDate::MAX)
}

fn by_service(rows: &[DayUsage]) -> Vec<(ServiceName, Sum)> {
    let mut sums = BTreeMap::<ServiceName, Sum>::new();
    for row in rows {
        sums.entry(row.service.clone()).or_default().add(row);
    }
    sums.into_iter().collect()
}

fn total(rows: &[DayUsage]) -> Sum {
    rows.iter().fold(Sum::default(), |mut sum, row| {
        sum.add(row);
        sum
    })
}

/// The stretches of these days, each empty.
fn empty(days: Days, grain: Grain) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut from = Some(days.from).filter(|from| *from <= days.to);
    while let Some(first) = from {
        let stretch = Days { from: first, to: end(grain, first).min(days.to) };
        slots.push(Slot { days: stretch, sum: Sum::default(), services: Vec::new() });
        from = stretch.to.succ_opt().filter(|next| *next <= days.to);
    }
    slots
}

/// Cuts days into stretches: without a gap, zero where nothing was used. The first and the last stretch have only the days that were
/// asked for; rows of other days are left out.
pub fn slots(rows: &[DayUsage], days: Days, grain: Grain) -> Vec<Slot> {
    let mut slots = empty(days, grain);
    for row in rows.iter().filter(|row| days.contains(row.day)) {
        let index = slots.partition_point(|slot| slot.days.to < row.day);
        let Some(slot) = slots.get_mut(index) else { continue };
        slot.sum.add(row);
        match slot.services.binary_search_by(|(service, _)| service.cmp(&row.service)) {
            Ok(at) => slot.services.iter_mut().skip(at).take(1).for_each(|(_, sum)| sum.add(row)),
            Err(at) => slot.services.insert(at, (row.service.clone(), Sum::of(row))),
        }
    }
    slots
}

/// Rows of these days, cut and summed; users are not told apart.
pub fn history(rows: &[DayUsage], days: Days, grain: Grain) -> History {
    History { days, slots: slots(rows, days, grain), total: total(rows), services: by_service(rows), users: Vec::new() }
}
