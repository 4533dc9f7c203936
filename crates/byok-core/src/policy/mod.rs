//! Pure decisions: how a secret is sealed and opened, and what is said of a key.

pub mod seal;
pub mod status;
