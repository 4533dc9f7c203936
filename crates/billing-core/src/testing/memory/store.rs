use async_trait::async_trait;
use kernel::{OrgId, Record, StoreError, Timestamp};

use super::{MemoryBilling, at_most};
use crate::{Account, BillingStore, Movement, PaymentProvider, Posted, Posting};

#[async_trait]
impl BillingStore for MemoryBilling {
    async fn account(&self, org: OrgId, provider: PaymentProvider) -> Result<Option<Account>, StoreError> {
        let state = self.state()?;
        if !state.lives(org) {
            return Ok(None);
        }
        let known = state.accounts.get(&org).map(|(account, _)| account.clone());
        Ok(Some(known.unwrap_or_else(|| Account::new(org, provider))))
    }

    async fn org_of(&self, provider: PaymentProvider, customer: &str) -> Result<Option<OrgId>, StoreError> {
        let state = self.state()?;
        let mut accounts = state.accounts.values().map(|(account, _)| account);
        let its = |account: &&Account| account.provider == provider && account.customer.as_deref() == Some(customer);
        Ok(accounts.find(its).map(|account| account.org))
    }

    async fn post(&self, posting: &Posting, record: &Record) -> Result<Posted, StoreError> {
        let mut state = self.state()?;
        if state.rivals > 0 {
            state.rivals -= 1;
            return Ok(Posted::Moved);
        }
        let mut next = state.clone();
        let posted = next.post(posting, record.at)?;
        if posted == Posted::Posted {
            self.trail.keep(record)?;
            *state = next;
        }
        Ok(posted)
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        let state = self.state()?;
        let accounts = state.accounts.iter().filter(|(org, _)| state.lives(**org));
        let due = accounts.filter_map(|(org, (_, next_at))| next_at.filter(|at| *at <= now).map(|at| (at, *org)));
        let mut due: Vec<(Timestamp, OrgId)> = due.collect();
        due.sort();
        due.truncate(at_most(limit));
        Ok(due.into_iter().map(|(_, org)| org).collect())
    }

    async fn accounts(
        &self,
        provider: PaymentProvider,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        let state = self.state()?;
        let wanted = |account: &&Account| {
            account.provider == provider && account.customer.is_some() && after.is_none_or(|after| after < account.org)
        };
        let found = state.accounts.values().map(|(account, _)| account).filter(wanted);
        Ok(found.take(at_most(limit)).cloned().collect())
    }

    async fn movements(&self, org: OrgId) -> Result<Vec<Movement>, StoreError> {
        Ok(self.state()?.movements.iter().filter(|movement| movement.org == org).cloned().collect())
    }
}
