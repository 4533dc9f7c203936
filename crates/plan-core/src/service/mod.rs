pub(crate) mod access;
pub(crate) mod decision;
pub(crate) mod grants;
pub(crate) mod plans;
pub(crate) mod standing;
