use chrono::TimeDelta;
use kernel::{Limit, Timestamp};

use crate::{Count, Lease, Shortfall, Tally, Wall};

/// The first limit that `more` does not fit under: the organization's month, then its day, then the user's month. `None` when it fits
/// under all.
pub fn wall(tally: &Tally, more: u64) -> Option<Wall> {
    tally.wall(more).map(|(wall, _)| wall)
}

/// The first limit that `quantity` is beyond though nothing else were used, in the order of [`wall`]: no time mends that, another plan
/// does.
pub fn never_fits(tally: &Tally, quantity: u64) -> Option<Wall> {
    let too_small = |wall: &Wall| tally.count(*wall).is_some_and(|count| !count.limit.admits(0, quantity));
    Wall::ALL.into_iter().find(too_small)
}

/// Whether time alone makes room for what did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// From this moment on it may fit; of the limits in the way this one has room last.
    From(Timestamp, Wall),
    /// Never: it is beyond this limit though nothing else were used.
    Beyond(Wall),
    /// Never: it counts in a period of this limit that is over, or that is over before it could be sent again.
    Over(Wall),
}

/// The outlook of a call that this limit refused first.
pub fn outlook(first: Wall, shortfall: &Shortfall) -> Outlook {
    let cost = shortfall.quantity.get();
    if let Some(wall) = never_fits(shortfall, cost) {
        return Outlook::Beyond(wall);
    }
    // Of what is settled only a part had to fit, so which other limits refused it is not known.
    let refuses = |wall| !shortfall.settles && shortfall.count(wall).is_some_and(|count| !count.admits(cost));
    let mut last = None;
    for wall in Wall::ALL.into_iter().filter(|wall| *wall == first || refuses(*wall)) {
        match (room_at(shortfall, wall), last) {
            (None, _) => return Outlook::Over(wall),
            (Some(then), Some((before, _))) if then <= before => {}
            (Some(then), _) => last = Some((then, wall)),
        }
    }
    last.map_or(Outlook::Over(first), |(then, wall)| Outlook::From(then, wall))
}

/// From when a limit that refused a call has room for it by itself: from the end of its period, and where only what is held is in the
/// way, from when all of that is settled or free at the latest.
fn room_at(shortfall: &Shortfall, wall: Wall) -> Option<Timestamp> {
    let (count, at) = (shortfall.count(wall)?, shortfall.at);
    let end = Some(count.period.end).filter(|end| at < *end && !shortfall.settles);
    let held = count.reserved > 0 && count.limit.admits(count.used, shortfall.quantity.get());
    let free = held.then(|| leases_end(at));
    end.into_iter().chain(free).min()
}

/// By when everything that is held at a moment is settled or free.
pub fn leases_end(at: Timestamp) -> Timestamp {
    at + TimeDelta::seconds(i64::from(Lease::MAX_SECONDS))
}

/// When a limit has room again by itself: the end of the period that it counts.
pub fn resets_at(tally: &Tally, wall: Wall) -> Timestamp {
    tally.count(wall).unwrap_or(tally.month).period.end
}

/// How much of its limit a counter has used, in whole per cent, rounded down and at most 100; 0 without a limit.
pub fn percentage(count: &Count) -> u8 {
    match count.limit {
        Limit::Unlimited => 0,
        Limit::Of(limit) if count.used >= limit => 100,
        Limit::Of(limit) => {
            let part = u128::from(count.used) * 100 / u128::from(limit);
            u8::try_from(part).unwrap_or(100)
        }
    }
}
