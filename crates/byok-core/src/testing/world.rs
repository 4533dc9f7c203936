use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, OrgId, Role, UserId};

use crate::{CustodyStore, KeyStore, MasterKeyId};

/// What a contract needs of the world around the ports of this crate. An adapter's test answers it with its own accounts and
/// organizations, and [`KeptRecords`] with a look into its audit table.
#[async_trait]
pub trait World: KeptRecords {
    /// Makes an active organization.
    async fn org(&self) -> OrgId;
    /// Makes an enabled account, a member of nothing.
    async fn user(&self) -> UserId;
    /// Makes the user a member with this role, or gives the member this role, at once.
    async fn seat(&self, org: OrgId, user: UserId, role: Role);
    /// Ends a membership, at once.
    async fn unseat(&self, org: OrgId, user: UserId);
    /// Lets a registered master key have sealed so often, behind the store's back.
    async fn wear(&self, id: &MasterKeyId, uses: u64);
}

/// The ports over one database, and the world around them.
#[derive(Clone, Copy)]
pub struct ByokStores<'a> {
    /// Customers' keys.
    pub keys: &'a dyn KeyStore,
    /// Master keys.
    pub custody: &'a dyn CustodyStore,
    /// The organizations and people.
    pub world: &'a dyn World,
    /// Time and randomness: contracts count their times from its now, and hand them over with each call. Nobody needs to move it.
    pub ambient: &'a Ambient,
}
