pub(crate) mod api_key;
pub(crate) mod credential;
pub(crate) mod session;
pub(crate) mod user;
