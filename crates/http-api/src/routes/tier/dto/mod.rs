pub(super) mod list;
pub(super) mod matrix;
pub(super) mod user;
