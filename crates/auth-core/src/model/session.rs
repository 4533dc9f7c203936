use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Ambient, OrgId, PlatformRole, SessionId, Timestamp, TokenHash, UserId};
use sha2::Sha256;

use super::credential::Secret;
use crate::ports::MembershipStanding;

/// A random tag of one user, 16 base64url characters, in their cookies: all keys of one user hash to one Redis slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserTag(String);

impl UserTag {
    /// A new tag.
    pub fn mint(ambient: &Ambient) -> Self {
        Self(URL_SAFE_NO_PAD.encode(ambient.random::<12>()))
    }

    /// Reads a tag; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let alphabet = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (text.len() == 16 && alphabet).then(|| Self(text.to_owned()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the cookie carries: `<tag>.<secret>`.
#[derive(Debug, Clone)]
pub struct SessionToken {
    tag: UserTag,
    secret: Secret,
}

impl SessionToken {
    /// A new token for a user with this tag.
    pub fn mint(tag: &UserTag, ambient: &Ambient) -> Self {
        Self { tag: tag.clone(), secret: Secret::mint(ambient) }
    }

    /// Reads a cookie's value; `None` when it cannot be a token of ours.
    pub fn parse(cookie: &str) -> Option<Self> {
        let (tag, secret) = cookie.split_once('.')?;
        Some(Self { tag: UserTag::parse(tag)?, secret: Secret::parse(secret)? })
    }

    /// The cookie's value.
    pub fn to_cookie(&self) -> String {
        format!("{}.{}", self.tag.as_str(), self.secret.expose())
    }

    /// The user's tag.
    pub const fn tag(&self) -> &UserTag {
        &self.tag
    }

    /// SHA-256 of the secret: what stores know.
    pub fn hash(&self) -> TokenHash {
        self.secret.hash()
    }

    /// The CSRF token of this session: HMAC-SHA-256 keyed with the session's secret, base64url. It dies with the session and
    /// needs no server-wide key, so every process and every restart agrees.
    pub fn csrf(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.csrf_mac().finalize().into_bytes())
    }

    /// Compares in constant time.
    pub fn csrf_matches(&self, candidate: &str) -> bool {
        URL_SAFE_NO_PAD.decode(candidate).is_ok_and(|given| self.csrf_mac().verify_slice(&given).is_ok())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    fn csrf_mac(&self) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose().as_bytes()).expect("any key length");
        mac.update(b"ops-center csrf v1");
        mac
    }
}

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without a request.
    pub idle: Duration,
    /// At most.
    pub absolute: Duration,
}

/// A signed-in session. Small, and it does not change after login: a change of what it says is a new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session; not a credential.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The organization they act in, if in one.
    pub org: Option<OrgId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the user last proved who they are.
    pub auth_time: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// How long it lives without a request.
    pub idle: Duration,
    /// The user's epoch when it was made; older than the present one means dead.
    pub user_epoch: i64,
    /// The epoch of the membership in `org` when it was made.
    pub org_epoch: i64,
    /// The platform's epoch when it was made.
    pub platform_epoch: i64,
    /// The address it was made from, as text.
    pub ip: Option<String>,
    /// The user agent it was made with, at most 256 characters.
    pub user_agent: Option<String>,
}

/// A session and when it was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The session.
    pub session: Session,
    /// When a request last used it.
    pub last_seen: Timestamp,
}

/// What the database says now of a user and, if asked, of their membership: the durable word on whether a session lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Grows when all sessions of the user must die.
    pub user_epoch: i64,
    /// Grows when all sessions of everybody must die.
    pub platform_epoch: i64,
    /// Whether the account may be used.
    pub enabled: bool,
    /// The account's address, in its canonical spelling.
    pub email: String,
    /// What they may do on the platform.
    pub platform_role: PlatformRole,
    /// Their membership in the organization asked for; `None` when they have none that is active.
    pub membership: Option<MembershipStanding>,
}

impl Standing {
    /// Whether a session may be used, given what the database says now.
    pub fn admits(&self, session: &Session) -> bool {
        let member = match (session.org, &self.membership) {
            (None, _) => true,
            (Some(_), Some(m)) => m.org_active && m.epoch == session.org_epoch,
            (Some(_), None) => false,
        };
        self.enabled && member && self.user_epoch == session.user_epoch && self.platform_epoch == session.platform_epoch
    }
}
