//! Organizations, their members and their invitations.
pub(crate) mod guard;
pub(crate) mod invitations;
pub(crate) mod members;
pub(crate) mod orgs;
pub(crate) mod people;
mod settings;
