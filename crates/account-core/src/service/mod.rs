pub(crate) mod avatars;
pub(crate) mod profiles;
