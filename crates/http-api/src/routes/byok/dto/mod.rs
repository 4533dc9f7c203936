pub(super) mod add;
pub(super) mod list;
pub(super) mod resolve;
pub(super) mod test;
