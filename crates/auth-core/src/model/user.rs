use std::{fmt, str::FromStr};

use kernel::{Email, PlatformRole, Timestamp, UserId};

use super::session::UserTag;

/// The text cannot be a user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user name has 2 to 64 of the characters a-z, 0-9, '.', '_' and '-', and begins and ends with a letter or digit"
)]
pub struct BadUsername;

/// The letters and digits of names that look like the operator's.
const RESERVED: [&str; 13] = [
    "admin",
    "administrator",
    "akadmin",
    "root",
    "system",
    "superuser",
    "support",
    "security",
    "postmaster",
    "hostmaster",
    "webmaster",
    "abuse",
    "opscenter",
];

/// A user name in its one spelling: ASCII, lower case. What looks alike is not accepted rather than folded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Reads a user name; upper-case ASCII letters become lower case.
    pub fn parse(text: &str) -> Result<Self, BadUsername> {
        let name = text.trim().to_ascii_lowercase();
        let inner = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        let edges = edge(name.bytes().next()) && edge(name.bytes().last());
        if inner && edges && (2..=64).contains(&name.len()) { Ok(Self(name)) } else { Err(BadUsername) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Kept for the operator: nobody can register it, and it never carries a privilege by itself.
    pub fn is_reserved(&self) -> bool {
        let letters: String = self.0.chars().filter(char::is_ascii_alphanumeric).collect();
        RESERVED.contains(&letters.as_str())
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Username {
    type Err = BadUsername;
    fn from_str(text: &str) -> Result<Self, BadUsername> {
        Self::parse(text)
    }
}

/// An account, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account's id: the only key of the identity.
    pub id: UserId,
    /// Where mail goes.
    pub email: Email,
    /// Whether the address was proved to be the user's.
    pub email_verified: bool,
    /// What they type to sign in.
    pub username: Username,
    /// What they may do on the platform.
    pub role: PlatformRole,
    /// A disabled account cannot sign in, and its sessions are dead.
    pub enabled: bool,
    /// Random, and part of every cookie of this user: the hash tag of their keys in Redis.
    pub tag: UserTag,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When somebody last signed in to it.
    pub last_login: Option<Timestamp>,
}

/// What it takes to make an account.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Where mail goes.
    pub email: Email,
    /// Whether the address was proved to be the user's.
    pub email_verified: bool,
    /// What they will type to sign in.
    pub username: Username,
    /// What they may do on the platform.
    pub role: PlatformRole,
}
