pub(crate) mod avatar;
pub(crate) mod notification;
pub(crate) mod profile;
