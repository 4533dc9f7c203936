use std::collections::HashSet;

use async_trait::async_trait;
use kernel::{PlatformRole, Record, StoreError, TokenHash, UserId};
use secrecy::{ExposeSecret, SecretString};

use super::{Account, MemoryAuth};
use crate::{Inserted, Switched, User, UserStore, WithHash};

impl Account {
    pub(super) fn new(user: &User, hash: Option<&SecretString>) -> Self {
        Self { user: user.clone(), hash: hash.cloned(), epoch: 0, devices: HashSet::new(), home: None }
    }

    fn with_hash(&self) -> WithHash {
        WithHash { user: self.user.clone(), password_hash: self.hash.clone(), epoch: self.epoch }
    }
}

fn same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}

#[async_trait]
impl UserStore for MemoryAuth {
    async fn insert(&self, user: &User, hash: Option<&SecretString>, record: &Record) -> Result<Inserted, StoreError> {
        let mut state = self.state()?;
        let mut others = state.accounts.values().map(|account| &account.user);
        if others.clone().any(|other| other.email == user.email) {
            return Ok(Inserted::EmailTaken);
        }
        if others.any(|other| other.username == user.username) {
            return Ok(Inserted::UsernameTaken);
        }
        self.trail.keep(record)?;
        state.accounts.insert(user.id, Account::new(user, hash));
        Ok(Inserted::Inserted)
    }

    async fn by_login(&self, login: &str) -> Result<Option<WithHash>, StoreError> {
        let is = |user: &User| user.username.as_str() == login || user.email.canonical() == login;
        Ok(self.state()?.accounts.values().find(|account| is(&account.user)).map(Account::with_hash))
    }

    async fn by_id(&self, id: UserId) -> Result<Option<WithHash>, StoreError> {
        Ok(self.state()?.accounts.get(&id).map(Account::with_hash))
    }

    async fn any(&self) -> Result<bool, StoreError> {
        Ok(!self.state()?.accounts.is_empty())
    }

    async fn any_admin(&self) -> Result<bool, StoreError> {
        let is = |user: &User| user.enabled && user.role == PlatformRole::Admin;
        Ok(self.state()?.accounts.values().any(|account| is(&account.user)))
    }

    async fn signed_in(&self, user: UserId, device: Option<&TokenHash>, record: &Record) -> Result<(), StoreError> {
        let mut state = self.state()?;
        self.trail.keep(record)?;
        if let Some(account) = state.accounts.get_mut(&user) {
            account.user.last_login = Some(record.at);
            account.devices.extend(device);
        }
        Ok(())
    }

    async fn knows_device(&self, user: UserId, device: &TokenHash) -> Result<bool, StoreError> {
        Ok(self.state()?.accounts.get(&user).is_some_and(|account| account.devices.contains(device)))
    }

    async fn set_password(
        &self,
        user: UserId,
        old: Option<&SecretString>,
        new: &SecretString,
        record: &Record,
    ) -> Result<Option<i64>, StoreError> {
        let mut state = self.state()?;
        let Some(account) = state.accounts.get_mut(&user).filter(|account| same(account.hash.as_ref(), old)) else {
            return Ok(None);
        };
        self.trail.keep(record)?;
        account.hash = Some(new.clone());
        account.epoch += 1;
        Ok(Some(account.epoch))
    }

    async fn set_enabled(&self, user: UserId, enabled: bool, record: &Record) -> Result<Switched, StoreError> {
        let mut state = self.state()?;
        if !enabled && state.is_last_owner(user) {
            return Ok(Switched::LastOwner);
        }
        let Some(account) = state.accounts.get_mut(&user) else { return Ok(Switched::NotFound) };
        self.trail.keep(record)?;
        account.user.enabled = enabled;
        account.epoch += i64::from(!enabled);
        Ok(Switched::Done)
    }
}
