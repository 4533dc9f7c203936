use std::sync::Arc;

use async_trait::async_trait;
use billing_core::{Billing, BillingError};
use kernel::{Actor, OrgId, Page, Paged, Record, StoreError, Timestamp, UserId};
use org_core::{
    Created, Joined, Org, OrgFilter, OrgStats, OrgStatus, OrgStore, OrgSummary, Patched, SettingsPatch, StatusChanged,
};

/// Organizations that may pay for something: who deletes one ends that first, so that nobody goes on paying for what is gone.
pub(crate) struct OrgsThatPay {
    pub(crate) orgs: Arc<dyn OrgStore>,
    pub(crate) billing: Billing,
}

impl OrgsThatPay {
    /// Ends what the organization pays for, now. It is written down when this is answered: a payment provider that is away is asked again
    /// until it has done it.
    async fn stop_paying(&self, actor: &Actor, org: OrgId) -> Result<(), StoreError> {
        match self.billing.cancel(actor, org, false).await {
            Ok(_) | Err(BillingError::NoSubscription | BillingError::NoSuchOrg) => Ok(()),
            Err(BillingError::Store(error)) => Err(error),
            Err(error @ BillingError::ChangePending) => Err(StoreError::unavailable(error)),
            Err(error) => {
                tracing::error!(%org, %error, "what an organization pays for could not be ended, so it is not deleted");
                Err(StoreError::broken(error))
            }
        }
    }
}

#[async_trait]
impl OrgStore for OrgsThatPay {
    async fn create(&self, org: &Org, owner: UserId, record: &Record) -> Result<Created, StoreError> {
        self.orgs.create(org, owner, record).await
    }

    async fn find(&self, org: OrgId) -> Result<Option<Org>, StoreError> {
        self.orgs.find(org).await
    }

    async fn page(&self, filter: &OrgFilter, page: Page) -> Result<Paged<OrgSummary>, StoreError> {
        self.orgs.page(filter, page).await
    }

    async fn joined(&self, user: UserId, page: Page) -> Result<Paged<Joined>, StoreError> {
        self.orgs.joined(user, page).await
    }

    async fn patch(&self, org: OrgId, patch: &SettingsPatch, record: &Record) -> Result<Patched, StoreError> {
        self.orgs.patch(org, patch, record).await
    }

    async fn set_status(&self, org: OrgId, status: OrgStatus, record: &Record) -> Result<StatusChanged, StoreError> {
        if status == OrgStatus::Deleted {
            self.stop_paying(&record.actor, org).await?;
        }
        self.orgs.set_status(org, status, record).await
    }

    async fn stats(&self, org: OrgId, now: Timestamp) -> Result<OrgStats, StoreError> {
        self.orgs.stats(org, now).await
    }
}

#[cfg(test)]
mod tests;
