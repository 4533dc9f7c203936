use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The text cannot be a provider's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {} to {} visible ASCII characters, without blanks", ProviderSecret::MIN, ProviderSecret::MAX)]
pub struct BadSecret;

/// A provider's key in the clear: 10 to 4096 visible ASCII characters. Wiped when it is dropped, and never printed.
#[derive(Clone)]
pub struct ProviderSecret(SecretString);

impl ProviderSecret {
    /// The shortest, in characters.
    pub const MIN: usize = 10;
    /// The longest, in characters.
    pub const MAX: usize = 4096;
    /// A shorter key shows none of its characters.
    const SHOWS_FROM: usize = 20;
    /// How many characters a longer key shows.
    const SHOWN: usize = 4;

    /// Reads a key. Neither blanks nor line breaks around it are forgiven: they would be sent in a header.
    pub fn parse(text: SecretString) -> Result<Self, BadSecret> {
        let key = text.expose_secret();
        let fits = (Self::MIN..=Self::MAX).contains(&key.len());
        if fits && key.bytes().all(|b| b.is_ascii_graphic()) { Ok(Self(text)) } else { Err(BadSecret) }
    }

    /// The key, to be sent to its provider or to the service that will.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What people may see of it: the last four characters, none of a key shorter than twenty (OWASP ASVS 14.2.6).
    pub fn tail(&self) -> String {
        let key = self.expose();
        let from = if key.len() < Self::SHOWS_FROM { key.len() } else { key.len() - Self::SHOWN };
        key.get(from..).unwrap_or_default().to_owned()
    }

    /// Eight hexadecimal digits by which two keys of an installation are told apart: HMAC-SHA-256 under a key of the installation,
    /// cut to 32 bits, so that it says nothing to whoever does not have that key.
    pub fn fingerprint(&self, under: &[u8; 32]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(under) else { return String::new() };
        mac.update(self.expose().as_bytes());
        mac.finalize().into_bytes().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for ProviderSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderSecret(…)")
    }
}
