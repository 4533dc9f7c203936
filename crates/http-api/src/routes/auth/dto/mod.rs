pub(super) mod password;
pub(super) mod session;
