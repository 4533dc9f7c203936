pub(crate) mod credential;
pub(crate) mod session;
pub(crate) mod user;
