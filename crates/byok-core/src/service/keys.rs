use std::sync::Arc;

use kernel::{Action, Actor, Ambient, OrgId, ProviderKeyId, Record, StoreError};

use super::opening::Vain;
use crate::{
    Binding, ByokError, CustodyError, Deleted, Endpoint, EndpointError, Entitlement, Home, KeyProbe, KeyRing,
    KeyStatus, KeyStore, NewKey, Provider, ProviderId, ProviderKey, ProviderSecret, Providers, Purpose, Put,
    RingHolder, Undecryptable, Verdict,
    policy::{
        seal,
        status::{status_of, usable},
    },
};

/// How often a key is put again after somebody else's was faster.
const ATTEMPTS: usize = 3;

/// What [`Byok`] and [`crate::Resolution`] need.
#[derive(Clone)]
pub struct ByokPorts {
    /// The keys.
    pub keys: Arc<dyn KeyStore>,
    /// The master keys.
    pub ring: Arc<dyn RingHolder>,
    /// Who asks providers.
    pub probe: Arc<dyn KeyProbe>,
    /// What plans give.
    pub entitlement: Arc<dyn Entitlement>,
    /// The providers.
    pub providers: Arc<Providers>,
}

/// A key, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// The record.
    pub key: ProviderKey,
    /// What the provider is called; its id when the catalogue does not have it any more.
    pub provider_name: String,
    /// How it is.
    pub status: KeyStatus,
}

/// A key that was just stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The record.
    pub key: ProviderKey,
    /// What the provider is called.
    pub provider_name: String,
    /// What is unusual about it, in sentences.
    pub warnings: Vec<String>,
}

/// An organization's keys in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Providers that keys can be kept for.
    pub providers: usize,
    /// Those that the organization has a key for.
    pub configured: usize,
    /// Those whose key was tested.
    pub tested: usize,
    /// Those whose key can be used, and was good when it was last tested.
    pub valid: usize,
    /// The organization's plan.
    pub plan: String,
}

/// Keeps an organization's provider keys.
#[derive(Clone)]
pub struct Byok {
    pub(super) ports: ByokPorts,
    pub(super) ambient: Ambient,
    pub(super) vain: Arc<Vain>,
}

impl Byok {
    /// The use cases over these ports.
    pub fn new(ports: ByokPorts, ambient: Ambient) -> Self {
        Self { ports, ambient, vain: Arc::default() }
    }

    /// All providers, each with whether the organization has a key for it.
    pub async fn providers(&self, org: OrgId) -> Result<Vec<(Provider, bool)>, ByokError> {
        let keys = self.ports.keys.list(org).await?;
        let has = |provider: &Provider| keys.iter().any(|key| key.provider == provider.id);
        Ok(self.ports.providers.iter().map(|provider| (provider.clone(), has(provider))).collect())
    }

    /// The organization's keys by the provider's name. One that cannot be opened is listed as such, also while the ring cannot be read.
    pub async fn list(&self, org: OrgId) -> Result<Vec<KeyView>, ByokError> {
        let entitled = self.ports.entitlement.byok(org).await?.is_ok();
        let keys = self.ports.keys.list(org).await?;
        let ring = self.ring_at_hand(&keys).await;
        let mut views = Vec::with_capacity(keys.len());
        for key in keys.iter() {
            let view = self.view(key, &ring, entitled);
            match view.status {
                KeyStatus::Undecryptable => views.extend(self.second_look(view, entitled).await?),
                KeyStatus::Active | KeyStatus::Rejected | KeyStatus::Disabled => views.push(view),
            }
        }
        Ok(views)
    }

    /// What was read may be a second old, and a rotation over since: a key is said not to open when it does not as it is now.
    async fn second_look(&self, view: KeyView, entitled: bool) -> Result<Option<KeyView>, ByokError> {
        let Some(now) = self.ports.keys.now(view.key.org, &view.key.provider).await? else { return Ok(None) };
        if now == view.key {
            return Ok(Some(view));
        }
        let ring = self.ring_at_hand(std::slice::from_ref(&now)).await;
        Ok(Some(self.view(&now, &ring, entitled)))
    }

    /// What a provider is called; its id when the catalogue does not have it.
    pub fn name_of(&self, id: &ProviderId) -> String {
        self.ports.providers.get(id).map_or_else(|| id.to_string(), |provider| provider.name.clone())
    }

    fn view(&self, key: &ProviderKey, ring: &KeyRing, entitled: bool) -> KeyView {
        let status = status_of(key, ring, &self.ports.providers, entitled);
        KeyView { key: key.clone(), provider_name: self.name_of(&key.provider), status }
    }

    /// Keeps a key, in the place of the organization's one at the provider if there is one: that one is destroyed.
    pub async fn add(&self, actor: &Actor, org: OrgId, new: NewKey) -> Result<Stored, ByokError> {
        self.entitled(org).await?;
        let provider = self.provider(&new.provider)?.clone();
        let warnings = warnings(&provider, &new.secret)?;
        self.admit_endpoint(&provider, new.endpoint.as_ref()).await?;
        let mut why = "";
        for _ in 0..ATTEMPTS {
            let (key, check) = self.sealed(actor, org, &new).await?;
            let record = Record::new(&self.ambient, actor, Action::ProviderKeyStored, "provider_key", key.id)
                .within(org)
                .with("provider", &key.provider)
                .with("version", key.version)
                .with("fingerprint", &key.fingerprint);
            let record = match &key.endpoint {
                Some(endpoint) => record.with("endpoint", endpoint),
                None => record,
            };
            match self.ports.keys.put(&key, &check, &record).await? {
                Put::Kept => return Ok(Stored { key, provider_name: provider.name, warnings }),
                Put::Moved => why = "the key was changed by others at the same time",
                Put::RetiredMasterKey => why = "the ring's active master key is retired, or not registered",
                Put::DifferentMasterKey => {
                    return Err(kernel::StoreError::unavailable(CustodyError::Different(key.master_key)).into());
                }
                Put::WornOut => return Err(ByokError::WornOut(key.master_key)),
                Put::Forbidden => return Err(ByokError::NoLongerAllowed),
            }
        }
        Err(kernel::StoreError::unavailable(why).into())
    }

    /// The key as it will be stored, sealed for exactly this place, and by which its master key is told from another one.
    async fn sealed(&self, actor: &Actor, org: OrgId, new: &NewKey) -> Result<(ProviderKey, [u8; 16]), ByokError> {
        let before = self.ports.keys.now(org, &new.provider).await?;
        // Another process may have rotated: what is sealed now is sealed with the newest key.
        let ring = self.ports.ring.reread().await?;
        let place = Binding {
            purpose: Purpose::ProviderKey,
            org,
            provider: new.provider.clone(),
            id: before.as_ref().map_or_else(|| ProviderKeyId::mint(&self.ambient), |key| key.id),
            version: before.as_ref().map_or(1, |key| key.version.saturating_add(1)),
            endpoint: new.endpoint.clone(),
        };
        let sealed = seal::seal(&ring, &place, &new.secret, &self.ambient)
            .map_err(|error: Undecryptable| kernel::StoreError::broken(error))?;
        let key = ProviderKey {
            id: place.id,
            org,
            provider: place.provider,
            version: place.version,
            master_key: ring.active().clone(),
            sealed,
            endpoint: place.endpoint,
            label: new.label.clone(),
            tail: new.secret.tail(),
            fingerprint: new.secret.fingerprint(ring.fingerprint().expose()),
            added_at: self.ambient.now(),
            added_by: actor.user_id(),
            tested: None,
            last_used: None,
        };
        Ok((key, ring.active_check()))
    }

    /// Destroys the organization's key at the provider. Also without a plan for it, and also one that the catalogue has forgotten.
    pub async fn delete(&self, actor: &Actor, org: OrgId, provider: &ProviderId) -> Result<(), ByokError> {
        let named = match self.ports.keys.now(org, provider).await {
            Ok(Some(key)) => key.id.to_string(),
            // Also what cannot be read can be destroyed.
            Ok(None) | Err(StoreError::Broken(_)) => provider.to_string(),
            Err(error) => return Err(error.into()),
        };
        let record = Record::new(&self.ambient, actor, Action::ProviderKeyDeleted, "provider_key", named)
            .within(org)
            .with("provider", provider);
        match self.ports.keys.delete(org, provider, &record).await? {
            Deleted::Deleted => Ok(()),
            Deleted::NotFound => Err(ByokError::NoKey(provider.clone())),
            Deleted::Forbidden => Err(ByokError::NoLongerAllowed),
        }
    }

    /// The organization's keys in numbers.
    pub async fn stats(&self, org: OrgId) -> Result<Stats, ByokError> {
        let plan = self.ports.entitlement.byok(org).await?.unwrap_or_else(|upgrade| upgrade.plan);
        let keys = self.ports.keys.list(org).await?;
        let ring = self.ring_at_hand(&keys).await;
        let was_good = |key: &ProviderKey| key.tested.is_some_and(|test| test.verdict == Verdict::Valid);
        let good = |key: &&ProviderKey| was_good(key) && usable(key, &ring, &self.ports.providers);
        Ok(Stats {
            providers: self.ports.providers.len(),
            configured: keys.len(),
            tested: keys.iter().filter(|key| key.tested.is_some()).count(),
            valid: keys.iter().filter(good).count(),
            plan,
        })
    }

    /// Whether the organization's plan gives keys of one's own; `UpgradeRequired` where it does not.
    pub async fn entitled(&self, org: OrgId) -> Result<(), ByokError> {
        match self.ports.entitlement.byok(org).await? {
            Ok(_) => Ok(()),
            Err(upgrade) => Err(ByokError::UpgradeRequired(Box::new(upgrade))),
        }
    }

    pub(super) fn provider(&self, id: &ProviderId) -> Result<&Provider, ByokError> {
        self.ports.providers.get(id).ok_or_else(|| ByokError::UnknownProvider(id.to_string()))
    }

    async fn admit_endpoint(&self, provider: &Provider, endpoint: Option<&Endpoint>) -> Result<(), ByokError> {
        match (&provider.home, endpoint) {
            (Home::Fixed(_), None) => Ok(()),
            (Home::Fixed(_), Some(_)) => Err(EndpointError::NotWanted.into()),
            (Home::Customer, None) => Err(EndpointError::Missing.into()),
            (Home::Customer, Some(endpoint)) if self.ports.probe.admits(endpoint).await => Ok(()),
            (Home::Customer, Some(_)) => Err(EndpointError::Forbidden.into()),
        }
    }
}

/// What is unusual about a key: told, not refused, because providers change how their keys look. Only a length that no key of the
/// provider can have is refused.
fn warnings(provider: &Provider, secret: &ProviderSecret) -> Result<Vec<String>, ByokError> {
    let (format, key) = (&provider.key_format, secret.expose());
    if !(format.min_length..=format.max_length).contains(&key.len()) {
        return Err(ByokError::KeyFormat(format!("a key of {} has {format}", provider.name)));
    }
    let usual = format.prefixes.is_empty() || format.prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()));
    let warning = || format!("keys of {} usually look like this: {format}", provider.name);
    Ok(if usual { Vec::new() } else { vec![warning()] })
}
