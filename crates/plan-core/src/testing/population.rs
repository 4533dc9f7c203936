use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, OrgId, Timestamp, UserId};

use crate::{CatalogueStore, SubscriptionStore};

/// What a contract needs of the world around the ports of this crate. An adapter's test answers it with its own account and
/// organization stores, and [`KeptRecords`] with a look into its audit table.
#[async_trait]
pub trait Population: KeptRecords {
    /// Makes an enabled account with this address, which nobody else has.
    async fn user(&self, email: &str) -> UserId;
    /// Makes an active organization that was made at this time and has this one owner.
    async fn org(&self, owner: UserId, created_at: Timestamp) -> OrgId;
    /// Makes a user a member of an organization, and no owner.
    async fn join(&self, org: OrgId, user: UserId);
    /// Suspends an organization.
    async fn suspend(&self, org: OrgId);
    /// Deletes an organization.
    async fn delete(&self, org: OrgId);
}

/// The stores of one database, and the organizations in it.
#[derive(Clone, Copy)]
pub struct PlanStores<'a> {
    /// Plans and services.
    pub catalogue: &'a dyn CatalogueStore,
    /// Which organization is on which plan.
    pub subscriptions: &'a dyn SubscriptionStore,
    /// The organizations.
    pub population: &'a dyn Population,
    /// Time and randomness: contracts count their times from its now.
    pub ambient: &'a Ambient,
}
