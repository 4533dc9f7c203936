//! What is said of a key, and whether it can be used.

use super::seal;
use crate::{Endpoint, EndpointError, Home, KeyRing, KeyStatus, Provider, ProviderKey, Providers, Test};

/// How a key is: one that cannot be opened is that first, one that nothing has a use for (`offered`) next. A test that found nothing out
/// says nothing against a key.
pub fn status(opens: bool, offered: bool, tested: Option<Test>) -> KeyStatus {
    match (opens, offered, tested) {
        (false, _, _) => KeyStatus::Undecryptable,
        (true, false, _) => KeyStatus::Disabled,
        (true, true, Some(Test { refused: true, .. })) => KeyStatus::Rejected,
        (true, true, Some(Test { refused: false, .. }) | None) => KeyStatus::Active,
    }
}

/// How this key is, with this ring and this catalogue, on a plan that gives keys of one's own or does not.
pub fn status_of(key: &ProviderKey, ring: &KeyRing, providers: &Providers, entitled: bool) -> KeyStatus {
    let at_home = providers.get(&key.provider).is_some_and(|provider| endpoint_of(provider, key).is_ok());
    status(seal::open_key(ring, key).is_ok(), entitled && at_home, key.tested)
}

/// Whether this key can be used where the plan lets it: it opens, its provider is where it was stored for, and has not refused it.
pub fn usable(key: &ProviderKey, ring: &KeyRing, providers: &Providers) -> bool {
    status_of(key, ring, providers, true) == KeyStatus::Active
}

/// Where the key may be sent: what it was stored with, which is sealed with it. A provider that has an address of its own by now
/// does not get a key that was stored for another one.
pub fn endpoint_of<'a>(provider: &'a Provider, key: &'a ProviderKey) -> Result<&'a Endpoint, EndpointError> {
    match (&key.endpoint, &provider.home) {
        (Some(endpoint), Home::Customer) | (None, Home::Fixed(endpoint)) => Ok(endpoint),
        (None, Home::Customer) => Err(EndpointError::Missing),
        (Some(_), Home::Fixed(_)) => Err(EndpointError::NotWanted),
    }
}
