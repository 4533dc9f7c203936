use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, OrgId, Timestamp};

use crate::{BillingStore, Inbox, InvoiceStore, Outbox};

/// Who gave a plan that nobody paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Giver {
    /// A platform administrator.
    Administrator,
    /// The installation itself.
    Installation,
}

impl Giver {
    /// The name of the source of a subscription.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Installation => "installation",
        }
    }
}

/// Which plan an organization is on, in the words of the feature that knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitled {
    /// The plan.
    pub plan: String,
    /// `active`, `trialing`, `past_due`, `suspended`, `canceled`, `unpaid`.
    pub status: String,
    /// `default`, `installation`, `administrator`, `payment`.
    pub source: String,
    /// From when its months are counted.
    pub anchor: Timestamp,
    /// When a trial ends.
    pub trial_ends_at: Option<Timestamp>,
    /// Grows by one with each change.
    pub version: u32,
}

/// What a contract needs of the world around the ports of this crate. An adapter's test answers it with its own organizations and plans,
/// and [`KeptRecords`] with a look into its audit table. There must be plans `free`, `starter`, `professional` and `enterprise`, of the
/// levels 0, 2, 3 and 4.
#[async_trait]
pub trait World: KeptRecords {
    /// Makes an active organization that was never moved between plans.
    async fn org(&self) -> OrgId;
    /// Deletes an organization.
    async fn delete(&self, org: OrgId);
    /// Gives a plan of this level to an organization; a trial ends at `trial_ends_at`.
    async fn give(&self, org: OrgId, giver: Giver, plan: (&str, u8), trial_ends_at: Option<Timestamp>);
    /// Pauses what an organization has, as an administrator.
    async fn pause(&self, org: OrgId);
    /// Which plan it is on, as the next decision about it will see; `None` when it was never moved.
    async fn entitled(&self, org: OrgId) -> Option<Entitled>;
}

/// The ports over one database, and the world around them.
#[derive(Clone, Copy)]
pub struct BillingStores<'a> {
    /// Accounts.
    pub billing: &'a dyn BillingStore,
    /// Invoices.
    pub invoices: &'a dyn InvoiceStore,
    /// What providers sent.
    pub inbox: &'a dyn Inbox,
    /// What providers are asked to do.
    pub outbox: &'a dyn Outbox,
    /// The organizations, and their plans.
    pub world: &'a dyn World,
    /// Time and randomness: contracts count their times from its now, and hand them over with each call. Nobody needs to move it.
    pub ambient: &'a Ambient,
}
