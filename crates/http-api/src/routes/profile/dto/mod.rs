pub(super) mod notification;
pub(super) mod profile;
