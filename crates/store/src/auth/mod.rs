//! Accounts, standings, sessions, links, throttles and API keys.
pub(crate) mod api_keys;
pub(crate) mod links;
pub(crate) mod sessions;
pub(crate) mod standings;
pub(crate) mod throttle;
pub(crate) mod users;
