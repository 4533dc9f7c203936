use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The text cannot name a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 32 of the characters a-z, 0-9 and '-'")]
pub struct BadMasterKeyId;

/// What a master key is called, in the ring and at the beginning of everything that it sealed. No secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId(String);

impl MasterKeyId {
    /// The most characters of a name.
    pub const MAX: usize = 32;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MasterKeyId {
    type Err = BadMasterKeyId;
    fn from_str(text: &str) -> Result<Self, BadMasterKeyId> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if plain && (1..=Self::MAX).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(BadMasterKeyId) }
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 256 random bits that no store ever sees; one copy for all clones, wiped with the last of them.
#[derive(Clone)]
pub struct MasterKey(Arc<Zeroizing<[u8; 32]>>);

impl MasterKey {
    /// These bits, which must be random. All zeros is a file that was never filled: `None`.
    pub fn new(bits: [u8; 32]) -> Option<Self> {
        let bits = Zeroizing::new(bits);
        (*bits != [0; 32]).then(|| Self(Arc::new(bits)))
    }

    /// The bits, for sealing and for the ring's own file.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// What a store may know of the key, to tell it from another one of the same name: HMAC-SHA-256 of fixed words, cut to 128 bits.
    pub fn check(&self) -> [u8; 16] {
        let mut check = [0; 16];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.expose()) {
            mac.update(b"ops-center master key check v1");
            let full = mac.finalize().into_bytes();
            check.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        }
        check
    }
}

impl PartialEq for MasterKey {
    /// Not in constant time: both are the installation's own.
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// A ring that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRing {
    /// The key that is to seal is not in the ring.
    #[error("the active master key {0} is not in the ring")]
    NoActive(MasterKeyId),
    /// Two keys of one name, or one key under two names.
    #[error("the master key {0} is in the ring twice")]
    Twice(MasterKeyId),
}

/// The master keys: the active one seals, all of them open. Beside them the key of fingerprints, which never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    active: MasterKeyId,
    keys: BTreeMap<MasterKeyId, MasterKey>,
    fingerprint: MasterKey,
}

impl KeyRing {
    /// A ring of these keys.
    pub fn new(
        active: MasterKeyId,
        keys: impl IntoIterator<Item = (MasterKeyId, MasterKey)>,
        fingerprint: MasterKey,
    ) -> Result<Self, BadRing> {
        let mut ring = BTreeMap::new();
        for (id, key) in keys {
            if ring.contains_key(&id) || ring.values().any(|known| *known == key) {
                return Err(BadRing::Twice(id));
            }
            ring.insert(id, key);
        }
        if !ring.contains_key(&active) {
            return Err(BadRing::NoActive(active));
        }
        Ok(Self { active, keys: ring, fingerprint })
    }

    /// The key that seals.
    pub const fn active(&self) -> &MasterKeyId {
        &self.active
    }

    /// A key by its name.
    pub fn get(&self, id: &MasterKeyId) -> Option<&MasterKey> {
        self.keys.get(id)
    }

    /// All keys, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&MasterKeyId, &MasterKey)> {
        self.keys.iter()
    }

    /// What a store may know of the key that seals: [`MasterKey::check`].
    pub fn active_check(&self) -> [u8; 16] {
        self.keys.get(&self.active).map_or([0; 16], MasterKey::check)
    }

    /// The first name under which this ring and another one have two master keys: rings of two installations, or a key that was written
    /// over. A rotation does not do that. Likewise for the key of fingerprints: `fingerprint`.
    pub fn contradiction(&self, other: &Self) -> Option<&str> {
        let differs = |(id, key): &(&MasterKeyId, &MasterKey)| other.get(id).is_some_and(|theirs| theirs != *key);
        let name = self.keys.iter().find(differs).map(|(id, _)| id.as_str());
        name.or_else(|| (self.fingerprint != other.fingerprint).then_some("fingerprint"))
    }

    /// The key of fingerprints.
    pub const fn fingerprint(&self) -> &MasterKey {
        &self.fingerprint
    }

    /// The same ring with one more key, which opens and does not seal.
    pub fn with(&self, id: MasterKeyId, key: MasterKey) -> Result<Self, BadRing> {
        let keys = self.keys.iter().map(|(id, key)| (id.clone(), key.clone()));
        Self::new(self.active.clone(), keys.chain([(id, key)]), self.fingerprint.clone())
    }

    /// The same ring with this key as the one that seals.
    pub fn activated(&self, id: &MasterKeyId) -> Result<Self, BadRing> {
        if !self.keys.contains_key(id) {
            return Err(BadRing::NoActive(id.clone()));
        }
        Ok(Self { active: id.clone(), ..self.clone() })
    }

    /// The same ring with one more key, which seals from now on.
    pub fn rotated(&self, id: MasterKeyId, key: MasterKey) -> Result<Self, BadRing> {
        self.with(id.clone(), key)?.activated(&id)
    }

    /// The same ring without a key; `None` for the active one and for one that is not there.
    pub fn without(&self, id: &MasterKeyId) -> Option<Self> {
        if *id == self.active || !self.keys.contains_key(id) {
            return None;
        }
        let mut ring = self.clone();
        ring.keys.remove(id);
        Some(ring)
    }
}
