use std::sync::Arc;

use async_trait::async_trait;
use kernel::{OrgId, ProviderKeyId, Record, StoreError, Timestamp};

use crate::{
    Endpoint, KeyRing, MasterKeyId, Provider, ProviderId, ProviderKey, ProviderSecret, Sealed, TestRun, Upgrade,
    Verdict,
};

/// Answer of [`KeyStore::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is kept; what was there before is gone.
    Kept,
    /// Another key was put meanwhile: the id or the version is not the next one. Nothing changed.
    Moved,
    /// The master key was retired meanwhile, or was never registered. Nothing changed.
    RetiredMasterKey,
    /// Another master key of this name was registered than the one that sealed. Nothing changed.
    DifferentMasterKey,
    /// The master key has sealed 2^32 times. Nothing changed.
    WornOut,
    /// The actor of the record is a user, and not one who may manage the organization's keys now. Nothing changed.
    Forbidden,
}

/// Answer of [`KeyStore::delete`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// Secret and data key are gone.
    Deleted,
    /// There was none.
    NotFound,
    /// As [`Put::Forbidden`].
    Forbidden,
}

/// Answer of [`KeyStore::tested`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// It is the last test of the key.
    Kept,
    /// Another test of this secret ended since this one began, and stays the last one. The record is kept: the provider was asked.
    Overtaken,
    /// The key is another one by now, or gone. Nothing changed.
    Gone,
}

/// Customers' keys, sealed: one for an organization and provider. What a change answered is what the next read of this process sees;
/// other processes see it within a second.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Keeps the key in place of the organization's one at the provider: with the next version and the same id if there is one,
    /// with version 1 otherwise. Counts one more use of its master key, which must be the one that was registered with this
    /// [`check`](crate::MasterKey::check). The caller's role is looked at under the same lock.
    async fn put(&self, key: &ProviderKey, check: &[u8; 16], record: &Record) -> Result<Put, StoreError>;
    /// Destroys the key for good.
    async fn delete(&self, org: OrgId, provider: &ProviderId, record: &Record) -> Result<Deleted, StoreError>;
    /// The organization's key at the provider; at most one second old.
    async fn of(&self, org: OrgId, provider: &ProviderId) -> Result<Option<ProviderKey>, StoreError>;
    /// The organization's key at the provider, as it is now.
    async fn now(&self, org: OrgId, provider: &ProviderId) -> Result<Option<ProviderKey>, StoreError>;
    /// The organization's keys by the provider's name; at most one second old.
    async fn list(&self, org: OrgId) -> Result<Arc<Vec<ProviderKey>>, StoreError>;
    /// Remembers a test of this version of a key, [`after`](crate::Test::after) the last one that the store knows, whatever `key` says.
    /// A test that began before that one ended does not overwrite it, unless `key` was read with it.
    async fn tested(&self, key: &ProviderKey, run: TestRun, record: &Record) -> Result<Remembered, StoreError>;
    /// Remembers that this key was handed out, or with a record of a failure that it could not be, or not be tested; `false` when the key is another
    /// one by now, or gone: then it must not be handed out, and nothing is remembered. Durable when answered. Other processes'
    /// changes count: once a deletion was answered anywhere, this says `false`.
    async fn handed_out(&self, key: &ProviderKey, record: &Record) -> Result<bool, StoreError>;
    /// Up to `limit` keys that were never tested, or last before `before`, and that nobody has claimed beyond `now`; the longest
    /// untested first. They are claimed until `until`: of any number of callers each key is given to one.
    async fn claim_untested(
        &self,
        before: Timestamp,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ProviderKey>, StoreError>;
}

/// A master key, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMasterKey {
    /// Its name.
    pub id: MasterKeyId,
    /// What tells it from another key of the same name.
    pub check: [u8; 16],
    /// How often it sealed; of 2^32 (NIST SP 800-38D, 8.3).
    pub uses: u64,
    /// How many keys are sealed with it now.
    pub sealing: u64,
    /// Since when it must not seal any more.
    pub retired_at: Option<Timestamp>,
}

/// Answer of [`CustodyStore::retire`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// Nothing is sealed with it, and nothing will be.
    Retired,
    /// So many keys are sealed with it; nothing changed.
    InUse(u64),
    /// The store does not know it.
    NotFound,
}

/// A key with a data key wrapped by another master key: the same secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrapped {
    /// The record.
    pub id: ProviderKeyId,
    /// Whose it is.
    pub org: OrgId,
    /// The version it was read with.
    pub version: u32,
    /// The master key it was read with.
    pub from: MasterKeyId,
    /// The new bytes.
    pub sealed: Sealed,
}

/// What a store knows of master keys, and the keys of all organizations by the master key that sealed them.
#[async_trait]
pub trait CustodyStore: Send + Sync {
    /// All master keys that were ever registered, by name, with those that only a sealed key names (then `check` is all zeros).
    async fn known(&self) -> Result<Vec<KnownMasterKey>, StoreError>;
    /// Makes a master key known; nothing happens if it is. `false` when another master key of this name is known: nothing changed.
    async fn register(&self, id: &MasterKeyId, check: &[u8; 16], record: &Record) -> Result<bool, StoreError>;
    /// Up to `limit` keys that are sealed with another master key than this one, by id, those after `after`.
    async fn sealed_otherwise(
        &self,
        than: &MasterKeyId,
        after: Option<ProviderKeyId>,
        limit: u32,
    ) -> Result<Vec<ProviderKey>, StoreError>;
    /// Puts these in the place of those that have the version and the master key they were read with, and counts the uses; how many
    /// there were. The others stay as they are: somebody else changed them. None when `under` is retired or not registered, or was
    /// registered with another [`check`](crate::MasterKey::check).
    async fn rewrap(&self, keys: &[Rewrapped], under: &MasterKeyId, check: &[u8; 16]) -> Result<u64, StoreError>;
    /// Writes down that a rotation ended.
    async fn rotated(&self, record: &Record) -> Result<(), StoreError>;
    /// From now on nothing is sealed with this master key. Of a retirement and a [`KeyStore::put`] or a [`CustodyStore::rewrap`] that
    /// race, one happens. A retired key can be retired again: nothing happens.
    async fn retire(&self, id: &MasterKeyId, record: &Record) -> Result<Retired, StoreError>;
}

/// Where the ring is kept: not in the store that it protects.
#[async_trait]
pub trait RingHolder: Send + Sync {
    /// The ring as it was last read; for each opening.
    fn ring(&self) -> Arc<KeyRing>;
    /// The ring, read again: before sealing, and when something names a key that the last one lacks. Why it could not be is the
    /// holder's to log: who only shows keys goes on with the last one. It may refuse a ring that [contradicts](KeyRing::contradiction)
    /// the last one.
    async fn reread(&self) -> Result<Arc<KeyRing>, StoreError>;
    /// Puts a ring in the place of the one that was read: whole, or not at all. `false` when it is another one by now, so that of two
    /// who change one ring at once none loses the other's master key: nothing changed.
    async fn replace(&self, read: &KeyRing, ring: &KeyRing) -> Result<bool, StoreError>;
}

/// A test that is to be made.
pub struct Trial<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// Where: the provider's own address, or the one that the key was stored with.
    pub endpoint: &'a Endpoint,
    /// The key.
    pub secret: &'a ProviderSecret,
}

/// What a test found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the key is good.
    pub verdict: Verdict,
    /// One sentence for people; never words of the provider.
    pub message: String,
    /// What the provider answered, if it answered; `None` for what a customer's own address answered outside of HTTP.
    pub status_code: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

/// Asks providers. Knows which addresses may be asked at all.
#[async_trait]
pub trait KeyProbe: Send + Sync {
    /// Whether a customer may name this address: everything that it leads to is public, or allowed by the operator.
    async fn admits(&self, endpoint: &Endpoint) -> bool;
    /// Tests a key with a request that costs no tokens. Never fails: what cannot be found out is a finding too.
    async fn probe(&self, trial: Trial<'_>) -> Finding;
}

/// What this crate asks about plans. Answered by the application.
#[async_trait]
pub trait Entitlement: Send + Sync {
    /// Whether the organization's plan gives keys of one's own: the plan's name, or where to get another one.
    async fn byok(&self, org: OrgId) -> Result<Result<String, Upgrade>, StoreError>;
}

/// Tells people about their keys. Answered by the application.
#[async_trait]
pub trait KeyNotice: Send + Sync {
    /// The owners of the organization should know that the provider refuses its key.
    async fn rejected(&self, key: &ProviderKey, provider: &Provider) -> Result<(), StoreError>;
}
