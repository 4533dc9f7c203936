//! Sealing: each secret has a random data key of its own (AES-256-GCM), and the data key is wrapped by a master key of the ring
//! (AES-256-GCM). Rotation wraps the data key again and touches the secret not at all.
//!
//! A sealed secret, format 1:
//!
//! ```text
//! 01 | n | master key's name (n bytes) | nonce (12) | wrapped data key (32 + 16) | nonce (12) | secret (its length + 16)
//! ```
//!
//! Both ciphertexts are bound to their place ([`Binding`]); the wrapping is bound to the master key's name besides. Nonces are random
//! (NIST SP 800-38D, 8.2.2): a data key is used once, a master key at most 2^32 times, which the store counts.

use aes_gcm::{
    Aes256Gcm, Nonce, Tag,
    aead::{AeadInOut, KeyInit},
};
use kernel::Ambient;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{Binding, KeyRing, MasterKey, MasterKeyId, ProviderKey, ProviderSecret, Sealed, Undecryptable};

const FORMAT: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;
const KEY: usize = 32;

/// How often a master key may seal (NIST SP 800-38D, 8.3, for random nonces).
pub const MAX_USES: u64 = 1 << 32;
/// From how many uses on an operator is told to rotate.
pub const ALARM_USES: u64 = 1 << 31;

/// Seals a secret with the ring's active key.
pub fn seal(
    ring: &KeyRing,
    place: &Binding,
    secret: &ProviderSecret,
    ambient: &Ambient,
) -> Result<Sealed, Undecryptable> {
    let data_key = Zeroizing::new(ambient.random::<KEY>());
    let mut sealed = wrap(ring, ring.active(), place, &data_key, ambient)?;
    sealed.extend(encrypt(&data_key, &bind(place, b"secret", None), secret.expose().as_bytes(), ambient)?);
    Ok(Sealed::from_bytes(sealed))
}

/// Opens what was sealed at this place, with whichever key of the ring sealed it.
pub fn open(ring: &KeyRing, place: &Binding, sealed: &Sealed) -> Result<ProviderSecret, Undecryptable> {
    let parts = Parts::of(sealed)?;
    let data_key = unwrap(ring, place, &parts)?;
    let mut clear = decrypt(&data_key, &bind(place, b"secret", None), parts.secret)?;
    // The very buffer becomes the secret: no copy of it is left behind.
    let text = String::from_utf8(std::mem::take(&mut *clear)).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Undecryptable
    })?;
    ProviderSecret::parse(SecretString::from(text)).or(Err(Undecryptable))
}

/// Opens a stored key. One whose record names another master key than its bytes do was changed from outside: a rotation would pass it
/// by, and its master key be retired.
pub fn open_key(ring: &KeyRing, key: &ProviderKey) -> Result<ProviderSecret, Undecryptable> {
    if master_key_of(&key.sealed)? != key.master_key {
        return Err(Undecryptable);
    }
    open(ring, &key.binding(), &key.sealed)
}

/// The same secret under the ring's active key. Its plaintext is never seen.
pub fn rewrap(ring: &KeyRing, place: &Binding, sealed: &Sealed, ambient: &Ambient) -> Result<Sealed, Undecryptable> {
    let parts = Parts::of(sealed)?;
    let data_key = unwrap(ring, place, &parts)?;
    let bits: &[u8; KEY] = data_key.as_slice().try_into().or(Err(Undecryptable))?;
    let mut sealed = wrap(ring, ring.active(), place, bits, ambient)?;
    sealed.extend_from_slice(parts.secret);
    Ok(Sealed::from_bytes(sealed))
}

/// The name of the master key that sealed it, as its bytes say.
pub fn master_key_of(sealed: &Sealed) -> Result<MasterKeyId, Undecryptable> {
    Parts::of(sealed).map(|parts| parts.master_key)
}

/// The parts of a sealed secret; both ciphertexts begin with their nonces.
struct Parts<'a> {
    master_key: MasterKeyId,
    data_key: &'a [u8],
    secret: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a Sealed) -> Result<Self, Undecryptable> {
        let (&[format, length], rest) = sealed.as_bytes().split_first_chunk::<2>().ok_or(Undecryptable)?;
        if format != FORMAT {
            return Err(Undecryptable);
        }
        let (name, rest) = rest.split_at_checked(length.into()).ok_or(Undecryptable)?;
        let name = std::str::from_utf8(name).or(Err(Undecryptable))?;
        let (data_key, secret) = rest.split_at_checked(NONCE + KEY + TAG).ok_or(Undecryptable)?;
        Ok(Self { master_key: name.parse().or(Err(Undecryptable))?, data_key, secret })
    }
}

fn wrap(
    ring: &KeyRing,
    id: &MasterKeyId,
    place: &Binding,
    data_key: &[u8; KEY],
    ambient: &Ambient,
) -> Result<Vec<u8>, Undecryptable> {
    let master = ring.get(id).ok_or(Undecryptable)?;
    let name = id.as_str().as_bytes();
    let mut sealed = vec![FORMAT, u8::try_from(name.len()).or(Err(Undecryptable))?];
    sealed.extend_from_slice(name);
    sealed.extend(encrypt(master.expose(), &bind(place, b"data key", Some(id)), data_key, ambient)?);
    Ok(sealed)
}

fn unwrap(ring: &KeyRing, place: &Binding, parts: &Parts<'_>) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
    let master: &MasterKey = ring.get(&parts.master_key).ok_or(Undecryptable)?;
    decrypt(master.expose(), &bind(place, b"data key", Some(&parts.master_key)), parts.data_key)
}

/// Nonce, ciphertext, tag.
fn encrypt(key: &[u8; KEY], aad: &[u8], clear: &[u8], ambient: &Ambient) -> Result<Vec<u8>, Undecryptable> {
    let nonce = ambient.random::<NONCE>();
    let mut out = Vec::with_capacity(NONCE + clear.len() + TAG);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(clear);
    let body = out.get_mut(NONCE..).ok_or(Undecryptable)?;
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached(&Nonce::from(nonce), aad, body.into())
        .or(Err(Undecryptable))?;
    out.extend_from_slice(&tag);
    Ok(out)
}

/// The cleartext, in a buffer of exactly its length.
fn decrypt(key: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(Undecryptable)?;
    let (body, tag) = rest.split_last_chunk::<TAG>().ok_or(Undecryptable)?;
    let cipher = Aes256Gcm::new_from_slice(key).or(Err(Undecryptable))?;
    let mut clear = Zeroizing::new(body.to_vec());
    let opened =
        cipher.decrypt_inout_detached(&Nonce::from(*nonce), aad, clear.as_mut_slice().into(), &Tag::from(*tag));
    opened.or(Err(Undecryptable))?;
    Ok(clear)
}

/// The additional authenticated data: each part with its length before it, so that no two places have the same bytes.
fn bind(place: &Binding, what: &[u8], master_key: Option<&MasterKeyId>) -> Vec<u8> {
    let endpoint = place.endpoint.as_ref().map_or("", |endpoint| endpoint.as_str());
    let (org, id) = (place.org.uuid(), place.id.uuid());
    let parts: [&[u8]; 9] = [
        b"ops-center v1",
        what,
        place.purpose.as_str().as_bytes(),
        org.as_bytes(),
        place.provider.as_str().as_bytes(),
        id.as_bytes(),
        &place.version.to_be_bytes(),
        endpoint.as_bytes(),
        master_key.map_or("", MasterKeyId::as_str).as_bytes(),
    ];
    let mut bound = Vec::with_capacity(256);
    for part in parts {
        bound.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bound.extend_from_slice(part);
    }
    bound
}
