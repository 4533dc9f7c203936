use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, OrgId, Timestamp, UserId};

use crate::{InvitationStore, MemberStore, OrgStore};

/// What a contract needs of the world around the ports of this crate. An adapter's test answers it with its own account store, and
/// [`KeptRecords`] with a look into its audit table.
#[async_trait]
pub trait Population: KeptRecords {
    /// Makes an enabled account with this address, which nobody else has.
    async fn user(&self, email: &str, verified: bool) -> UserId;
    /// Disables the account, or enables it again. Never asked to disable the last active owner of an active organization.
    async fn set_enabled(&self, user: UserId, enabled: bool);
    /// Puts the organization on a plan: `free`, `trial`, `starter` or `professional`. With an end it is a trial of it.
    async fn put_on(&self, org: OrgId, plan: &str, trial_ends_at: Option<Timestamp>);
    /// The epoch with which sessions of this user in this organization are compared; `None` when they are no member.
    async fn epoch(&self, org: OrgId, user: UserId) -> Option<i64>;
}

/// The stores of one database, and the people in it.
#[derive(Clone, Copy)]
pub struct OrgStores<'a> {
    /// Organizations.
    pub orgs: &'a dyn OrgStore,
    /// Their members.
    pub members: &'a dyn MemberStore,
    /// Their invitations.
    pub invitations: &'a dyn InvitationStore,
    /// The people.
    pub population: &'a dyn Population,
    /// Time and randomness: contracts count their times from its now.
    pub ambient: &'a Ambient,
}
