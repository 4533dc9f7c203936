pub(crate) mod invitation;
pub(crate) mod member;
pub(crate) mod org;
pub(crate) mod permission;
pub(crate) mod settings;
