//! What a change of plan means beside its price.
use kernel::Limit;

use crate::{Consequence, Effective, Load, Offer};

/// What an organization that uses this much loses, or must give up, on a plan.
pub fn consequences(load: &Load, to: &Offer) -> Vec<Consequence> {
    let mut all = Vec::new();
    if load.seats > to.seats {
        all.push(Consequence::Seats(load.seats, to.seats));
    }
    if load.keys > 0 && !to.byok {
        all.push(Consequence::Byok(load.keys));
    }
    if let Limit::Of(limit) = to.calls
        && load.calls > limit
    {
        all.push(Consequence::Quota(load.calls, limit));
    }
    all
}

/// What is added by a change of plan, and what is taken away.
pub fn features<'a>(from: Option<&'a Offer>, to: &'a Offer) -> (Vec<&'a str>, Vec<&'a str>) {
    let before: &[String] = from.map(|offer| offer.features.as_slice()).unwrap_or_default();
    let without = |these: &'a [String], those: &'a [String]| {
        these.iter().filter(|feature| !those.contains(feature)).map(String::as_str).collect()
    };
    (without(&to.features, before), without(before, &to.features))
}

/// When a change happens if nobody says: up at once, down with the next period.
pub fn usual(from: Option<&Offer>, to: &Offer) -> Effective {
    if from.is_none_or(|from| is_upgrade(from, to)) { Effective::Immediate } else { Effective::NextCycle }
}

/// Whether a plan stands higher than another, or costs more where they stand alike.
pub fn is_upgrade(from: &Offer, to: &Offer) -> bool {
    (to.level, to.monthly) >= (from.level, from.monthly)
}
