pub(crate) mod invitations;
pub(crate) mod members;
pub(crate) mod orgs;
