use kernel::{Limit, Timestamp};

use crate::{Count, Tally, Wall};

/// The first limit that `more` does not fit under: the organization's month, then its day, then the user's month. `None` when it fits
/// under all.
pub fn wall(tally: &Tally, more: u64) -> Option<Wall> {
    tally.wall(more).map(|(wall, _)| wall)
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
