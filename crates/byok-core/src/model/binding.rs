use kernel::{OrgId, ProviderKeyId};

use super::{endpoint::Endpoint, provider::ProviderId};

/// What a sealed secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A customer's key at a provider.
    ProviderKey,
    /// Nothing: for the tests that move a secret to another purpose.
    #[cfg(feature = "testing")]
    Rehearsal,
}

impl Purpose {
    /// The name that is bound.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderKey => "provider_key",
            #[cfg(feature = "testing")]
            Self::Rehearsal => "rehearsal",
        }
    }
}

/// The place of a sealed secret: it opens nowhere else. Also not when the address that it is sent to was changed in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// What the secret is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub org: OrgId,
    /// At which provider.
    pub provider: ProviderId,
    /// The record that holds it.
    pub id: ProviderKeyId,
    /// How often the record's secret was set, beginning with 1.
    pub version: u32,
    /// Where it may be sent, if the customer said so.
    pub endpoint: Option<Endpoint>,
}
