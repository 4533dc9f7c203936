pub(super) mod access;
pub(super) mod body;
pub(super) mod change;
pub(super) mod check;
pub(super) mod feature;
pub(super) mod plan;
pub(super) mod service;
pub(super) mod trace;
