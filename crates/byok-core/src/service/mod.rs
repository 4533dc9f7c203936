pub(crate) mod custody;
pub(crate) mod keys;
mod opening;
pub(crate) mod resolve;
pub(crate) mod rotation;
mod trial;
pub(crate) mod watch;
