//! The wire types of this area.
pub(super) mod decide;
pub(super) mod hold;
pub(super) mod rate;
