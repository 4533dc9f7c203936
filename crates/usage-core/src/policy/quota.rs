use kernel::{Limit, Timestamp};

use crate::{Count, Tally, Wall};

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
