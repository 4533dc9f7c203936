use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Ambient, ApiKeyId, OrgId, TextError, Timestamp, TokenHash, plain_line};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::credential::Secret;

/// The text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a scope; the scopes are usage:write, entitlements:read, byok:resolve, act_as, admin:read")]
pub struct BadScope;

/// One thing that an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Record usage, reserve and settle it.
    UsageWrite,
    /// Ask what a plan gives and whether a call may happen.
    EntitlementsRead,
    /// Get a tenant's provider key.
    ByokResolve,
    /// Name the user on whose behalf the service acts.
    ActAs,
    /// Read what platform administrators read. Only keys of the platform can have it.
    AdminRead,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::UsageWrite, Self::EntitlementsRead, Self::ByokResolve, Self::ActAs, Self::AdminRead];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsageWrite => "usage:write",
            Self::EntitlementsRead => "entitlements:read",
            Self::ByokResolve => "byok:resolve",
            Self::ActAs => "act_as",
            Self::AdminRead => "admin:read",
        }
    }
}

impl FromStr for Scope {
    type Err = BadScope;
    fn from_str(text: &str) -> Result<Self, BadScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(BadScope)
    }
}

/// The scopes of a key: at least one, each once, in the order of [`Scope::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// These scopes; `None` without any.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Option<Self> {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        (!scopes.is_empty()).then_some(Self(scopes))
    }

    /// Whether this scope is among them.
    pub fn contain(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// The scopes, one by one.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

/// As a store keeps them: the names with a space between (as RFC 6749, 3.3, writes scopes).
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = BadScope;
    fn from_str(text: &str) -> Result<Self, BadScope> {
        let scopes: Vec<Scope> = text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        Self::new(scopes).ok_or(BadScope)
    }
}

/// The text cannot be the name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyName {
    /// Nothing but blanks.
    #[error("must have 1 to 100 characters")]
    Empty,
    /// Too long, or not one line of text.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// What people call a key: one line of 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// The longest name, in characters.
    pub const MAX: usize = 100;

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, BadKeyName> {
        let name = plain_line(text, Self::MAX)?;
        if name.is_empty() { Err(BadKeyName::Empty) } else { Ok(Self(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key of an organization, as the store knows it: without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key; not a credential.
    pub id: ApiKeyId,
    /// Whose it is.
    pub org: OrgId,
    /// What people call it.
    pub name: KeyName,
    /// What it may do.
    pub scopes: Scopes,
    /// Whether it acts for every organization: a key of one of the platform's own services.
    pub platform: bool,
    /// The last four characters of the key's text, for people who hold several.
    pub preview: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is dead, if it does not live until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// How many living keys an organization may have.
    pub const PER_ORG: u32 = 50;

    /// Whether it is neither revoked nor expired.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// What it takes to make a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What people will call it.
    pub name: KeyName,
    /// What it may do.
    pub scopes: Scopes,
    /// When it is to die by itself: in the future, at most five years away.
    pub expires_at: Option<Timestamp>,
    /// Whether it is to act for every organization.
    pub platform: bool,
}

/// The text of a key: `oc_`, 256 random bits in base64url (43 characters), and a CRC-32 of all that in base64url (6 characters), so
/// that a scanner for leaked secrets and a mistyped key are told without asking a store.
#[derive(Clone)]
pub struct ApiKeyToken(SecretString);

impl ApiKeyToken {
    /// What every key begins with.
    pub const PREFIX: &'static str = "oc_";
    /// The length of the text, in characters.
    pub const LENGTH: usize = Self::PREFIX.len() + Secret::LENGTH + CHECKSUM;

    /// A new key.
    pub fn mint(ambient: &Ambient) -> Self {
        let body = format!("{}{}", Self::PREFIX, Secret::mint(ambient).expose());
        Self(format!("{body}{}", checksum(&body)).into())
    }

    /// Reads a key that a client sent; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, sum) = text.split_at_checked(text.len().checked_sub(CHECKSUM)?)?;
        Secret::parse(body.strip_prefix(Self::PREFIX)?)?;
        (checksum(body) == sum).then(|| Self(text.into()))
    }

    /// SHA-256 of the text: the only form that is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::from_bytes(Sha256::digest(self.expose().as_bytes()).into())
    }

    /// The last four characters.
    pub fn preview(&self) -> String {
        let text = self.expose();
        text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }

    /// The text, to be handed to its owner and to nobody else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiKeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyToken(…)")
    }
}

/// The length of the checksum, in characters.
const CHECKSUM: usize = 6;

fn checksum(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(crc32(text.as_bytes()).to_be_bytes())
}

/// CRC-32 as gzip and PNG compute it (RFC 1952, 8).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_common_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
