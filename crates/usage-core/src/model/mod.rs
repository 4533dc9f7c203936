pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod rate;
pub(crate) mod tally;
