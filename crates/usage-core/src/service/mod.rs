pub(crate) mod books;
pub(crate) mod metering;
pub(crate) mod reservations;
pub(crate) mod usage;
