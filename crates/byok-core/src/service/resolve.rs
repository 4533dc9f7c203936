use kernel::{Action, Actor, OrgId, Outcome, Record, ServiceName, StoreError};

use crate::{Byok, ByokError, Endpoint, ProviderId, ProviderKey, ProviderSecret, policy::status::usable};

/// How often a key is read again that was changed while it was being handed out.
const ATTEMPTS: usize = 3;

/// A key for a service that will use it at once.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// At which provider.
    pub provider: ProviderId,
    /// The key.
    pub secret: ProviderSecret,
    /// The only address that it may be sent to.
    pub endpoint: Endpoint,
}

/// Hands keys out.
#[derive(Clone)]
pub struct Resolution(Byok);

impl Resolution {
    /// The use cases over the keys of this.
    pub const fn new(keys: Byok) -> Self {
        Self(keys)
    }

    /// The organization's key at the provider, for a service that uses it at once. It is in the trail before it is in the answer, and
    /// so is a key that could not be opened, or not be sent where its provider is now. A key whose deletion was answered anywhere is not handed out: the store says so when it
    /// writes the record, whatever was read before.
    pub async fn resolve(&self, actor: &Actor, org: OrgId, provider: &ProviderId) -> Result<Resolved, ByokError> {
        let (keys, store) = (&self.0, &self.0.ports.keys);
        keys.entitled(org).await?;
        let catalogued = keys.provider(provider)?;
        let mut key = store.of(org, provider).await?;
        for attempt in 0..ATTEMPTS {
            let found = key.ok_or_else(|| ByokError::NoKey(provider.clone()))?;
            let unlocked = keys.unlock(catalogued, &found).await.map(|(secret, endpoint)| (secret, endpoint.clone()));
            let opened = match unlocked {
                // What was read first may be a second old, and a rotation over since: it is looked at once more.
                Err(ByokError::Undecryptable(_)) if attempt == 0 => None,
                Err(ByokError::Store(error)) => return Err(error.into()),
                opened => Some(opened),
            };
            if let Some(opened) = opened {
                let outcome = if opened.is_ok() { Outcome::Success } else { Outcome::Failure };
                if store.handed_out(&found, &self.record(actor, &found, outcome)).await? {
                    let (secret, endpoint) = opened?;
                    return Ok(Resolved { provider: found.provider, secret, endpoint });
                }
            }
            key = store.now(org, provider).await?;
        }
        Err(StoreError::unavailable("the key is being changed by others").into())
    }

    fn record(&self, actor: &Actor, key: &ProviderKey, outcome: Outcome) -> Record {
        Record::new(&self.0.ambient, actor, Action::ProviderKeyResolved, "provider_key", key.id)
            .within(key.org)
            .ended(outcome)
            .with("provider", &key.provider)
            .with("version", key.version)
    }

    /// Whether the organization has a key of its own that can be used, as of a second ago at most, for a provider that this service
    /// uses. Whether its plan lets it is for the caller.
    pub async fn pays(&self, org: OrgId, service: &ServiceName) -> Result<bool, ByokError> {
        let ports = &self.0.ports;
        let uses = |key: &&ProviderKey| {
            ports.providers.get(&key.provider).is_some_and(|provider| provider.services.contains(service))
        };
        let keys = ports.keys.list(org).await?;
        if !keys.iter().any(|key| uses(&key)) {
            return Ok(false);
        }
        let ring = self.0.ring_at_hand(&keys).await;
        Ok(keys.iter().filter(uses).any(|key| usable(key, &ring, &ports.providers)))
    }
}
