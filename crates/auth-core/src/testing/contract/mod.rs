#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a broken contract panics"
)]

pub(super) mod api_keys;
pub(super) mod hasher;
pub(super) mod links;
pub(super) mod sessions;
pub(super) mod standings;
pub(super) mod throttle;
pub(super) mod users;

use kernel::{Action, Actor, Ambient, Record, UserId};

/// A record of something done to this user, now.
fn record(ambient: &Ambient, action: Action, user: UserId) -> Record {
    Record::new(ambient, &Actor::system(), action, "user", user)
}
