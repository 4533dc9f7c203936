pub(crate) mod binding;
pub(crate) mod endpoint;
pub(crate) mod key;
pub(crate) mod provider;
pub(crate) mod ring;
pub(crate) mod secret;
