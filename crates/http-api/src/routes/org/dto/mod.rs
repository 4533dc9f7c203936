//! The wire types of this area.

pub(super) mod billing;
pub(super) mod change;
mod given;
pub(super) mod list;
pub(super) mod make;
pub(super) mod role;
pub(super) mod settings;
pub(super) mod view;
