use kernel::StoreError;

use crate::model::{endpoint::BadEndpoint, provider::ProviderId, ring::MasterKeyId};

/// A sealed secret that does not open, whatever the reason: telling reasons apart would help only whoever changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be decrypted here")]
pub struct Undecryptable;

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ByokError {
    /// The catalogue has no such provider.
    #[error("there is no provider {0}")]
    UnknownProvider(String),
    /// The organization has no key at this provider.
    #[error("there is no key for {0}")]
    NoKey(ProviderId),
    /// The plan gives no keys of one's own.
    #[error("the plan {} has no keys of your own", .0.plan)]
    UpgradeRequired(Box<Upgrade>),
    /// The key cannot be one of this provider's.
    #[error("{0}")]
    KeyFormat(String),
    /// The endpoint is missing, or not wanted, or cannot be one.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The key is there and cannot be opened.
    #[error("the key for {0} cannot be decrypted; store it again")]
    Undecryptable(ProviderId),
    /// The caller's role was changed meanwhile: they may not do this any more.
    #[error("your role was changed meanwhile")]
    NoLongerAllowed,
    /// The active master key has sealed as often as it safely can (NIST SP 800-38D, 8.3): it must be rotated.
    #[error("the master key {0} has sealed 2^32 times; run ops-center keys rotate")]
    WornOut(MasterKeyId),
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The provider has none of its own.
    #[error("this provider needs the address of its server: https://…")]
    Missing,
    /// The provider has its own.
    #[error("this provider has one address of its own; leave the endpoint out")]
    NotWanted,
    /// It cannot be one.
    #[error(transparent)]
    Bad(#[from] BadEndpoint),
    /// It leads to where no customer's address may lead, or nowhere. One answer for all of it (no oracle for what is inside).
    #[error("must be the https address of a server that can be reached publicly")]
    Forbidden,
}

/// Where another plan is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The plan that counts now.
    pub plan: String,
    /// The lowest plan with keys of one's own; `None` when none that can be chosen has them.
    pub required: Option<String>,
    /// Where to get it.
    pub url: String,
}

/// Why the custody of master keys is not in order.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// Keys are sealed with master keys that the ring does not have: (name, how many).
    #[error("{}", unknown(.0))]
    Unknown(Vec<(MasterKeyId, u64)>),
    /// The ring has another key under this name than the one that sealed.
    #[error("the master key {0} of the ring is not the one that this database was sealed with")]
    Different(MasterKeyId),
    /// The database says that this key was retired.
    #[error("the master key {0} was retired; make another one active with ops-center keys rotate")]
    Retired(MasterKeyId),
    /// A key that is still needed cannot be retired.
    #[error("{count} provider keys are sealed with the master key {id}; run ops-center keys rotate first")]
    InUse {
        /// The master key.
        id: MasterKeyId,
        /// How many need it.
        count: u64,
    },
    /// The active key cannot be retired, and an unknown one neither.
    #[error("the master key {0} is not one that can be retired: it is the active one, or not in the ring")]
    NotRetirable(MasterKeyId),
    /// The new ring is none.
    #[error(transparent)]
    Ring(#[from] crate::model::ring::BadRing),
    /// A store, or the ring's own, could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `12 provider keys are sealed with master keys that the ring does not have: k1 (12)`.
fn unknown(missing: &[(MasterKeyId, u64)]) -> String {
    let count: u64 = missing.iter().map(|(_, count)| count).sum();
    let names: Vec<String> = missing.iter().map(|(id, count)| format!("{id} ({count})")).collect();
    format!("{count} provider keys are sealed with master keys that the ring does not have: {}", names.join(", "))
}
