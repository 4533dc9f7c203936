use kernel::{OrgId, Timestamp};

use super::{provider::PaymentProvider, subscription::PaidSubscription};
use crate::Access;

/// What is known about an organization's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub org: OrgId,
    /// Who takes its money.
    pub provider: PaymentProvider,
    /// Its name at the provider: `cus_…`.
    pub customer: Option<String>,
    /// What it pays for, or paid for last.
    pub subscription: Option<PaidSubscription>,
    /// What the organization has by that, as it was last posted: time may have moved on.
    pub access: Option<Access>,
    /// When the provider was last asked; what it said then is what is known here.
    pub synced_at: Option<Timestamp>,
    /// Grows by one with each change; 0 for an organization that never had to do with money.
    pub version: u32,
}

impl Account {
    /// An organization that never had to do with money.
    pub const fn new(org: OrgId, provider: PaymentProvider) -> Self {
        Self { org, provider, customer: None, subscription: None, access: None, synced_at: None, version: 0 }
    }

    /// What it pays for, unless that has ended.
    pub fn live(&self) -> Option<&PaidSubscription> {
        self.subscription.as_ref().filter(|subscription| !subscription.status.has_ended())
    }
}
