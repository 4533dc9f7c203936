//! Everything asked again: for events that never came.
use kernel::{OrgId, Timestamp};

use super::billing::Billing;
use crate::{Account, BillingError, Settles};

/// An organization that was not what the provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Whose account.
    pub org: OrgId,
    /// What was known.
    pub before: Account,
    /// What is.
    pub after: Account,
}

/// What a pass found.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// How many accounts were compared.
    pub compared: u64,
    /// Those that differed; they are right now.
    pub drift: Vec<Drift>,
    /// Those that could not be compared.
    pub failed: Vec<(OrgId, BillingError)>,
    /// Where to go on; `None` when all were compared.
    pub next: Option<OrgId>,
}

impl Billing {
    /// Compares up to `limit` accounts with what the provider says, by organization, those after `after`, and puts right what differs.
    pub async fn reconcile(&self, after: Option<OrgId>, limit: u32) -> Result<Reconciled, BillingError> {
        let accounts = self.ports.store.accounts(self.provider(), after, limit).await?;
        let full = u32::try_from(accounts.len()).is_ok_and(|count| count == limit);
        let mut pass = Reconciled { next: accounts.last().filter(|_| full).map(|it| it.org), ..Reconciled::default() };
        for before in accounts {
            self.compare(before, &mut pass).await;
        }
        Ok(pass)
    }

    /// Compares only those about whom something happened at the provider since then: three days of events in one pass.
    pub async fn reconcile_since(&self, since: Timestamp) -> Result<Reconciled, BillingError> {
        let mut pass = Reconciled::default();
        let provider = self.provider();
        for customer in self.gateway()?.payments.touched(since).await? {
            if let Some(org) = self.ports.store.org_of(provider, &customer).await?
                && let Some(before) = self.ports.store.account(org, provider).await?
            {
                self.compare(before, &mut pass).await;
            }
        }
        Ok(pass)
    }

    async fn compare(&self, before: Account, pass: &mut Reconciled) {
        pass.compared += 1;
        let org = before.org;
        match self.sync(org, &Settles::Nothing).await {
            Ok(after) if after.subscription == before.subscription && after.access == before.access => {}
            Ok(after) => pass.drift.push(Drift { org, before, after }),
            Err(error) => pass.failed.push((org, error)),
        }
    }
}
