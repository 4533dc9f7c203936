//! Accounts, standings, sessions, links and throttles.
pub(crate) mod links;
pub(crate) mod sessions;
pub(crate) mod standings;
pub(crate) mod throttle;
pub(crate) mod users;
