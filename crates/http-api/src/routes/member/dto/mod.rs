//! The wire types of this area.

pub(super) mod add;
pub(super) mod change;
pub(super) mod list;
