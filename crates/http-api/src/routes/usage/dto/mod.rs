//! The wire types of this area.
pub(super) mod batch;
pub(super) mod current;
pub(super) mod history;
pub(super) mod limit;
pub(super) mod quota;
pub(super) mod record;
