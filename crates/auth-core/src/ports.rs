use std::time::Duration;

use async_trait::async_trait;
use kernel::{ApiKeyId, Email, OrgId, Record, Role, SessionId, StoreError, Timestamp, TokenHash, UserId};
use secrecy::SecretString;

use crate::{ApiKey, Seen, Session, Standing, User, UserTag, Username};

/// Answer of [`UserStore::insert`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// The account exists now.
    Inserted,
    /// Somebody has the e-mail address (in its canonical form).
    EmailTaken,
    /// Somebody has the user name.
    UsernameTaken,
}

/// Answer of a change that must not leave an active organization without an active owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switched {
    /// It was done.
    Done,
    /// No such user.
    NotFound,
    /// An active organization would have no active owner left; nothing changed.
    LastOwner,
}

/// A user with what proves them, and the epoch that was current when the two were read.
#[derive(Debug, Clone)]
pub struct WithHash {
    /// The account.
    pub user: User,
    /// A PHC string, if the account has a password.
    pub password_hash: Option<SecretString>,
    /// The user's epoch, read together with the hash: a session made with it dies when the password changes meanwhile.
    pub epoch: i64,
}

/// Accounts and their credentials.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Makes the account with its password hash. E-mail and user name are unique in their canonical forms, also in a race.
    async fn insert(&self, user: &User, hash: Option<&SecretString>, record: &Record) -> Result<Inserted, StoreError>;
    /// Reads by user name or canonical e-mail address.
    async fn by_login(&self, login: &str) -> Result<Option<WithHash>, StoreError>;
    /// Reads by id.
    async fn by_id(&self, id: UserId) -> Result<Option<WithHash>, StoreError>;
    /// Whether any account exists.
    async fn any(&self) -> Result<bool, StoreError>;
    /// Whether an enabled platform admin exists.
    async fn any_admin(&self) -> Result<bool, StoreError>;
    /// Sets `last_login` and remembers the device, if one is given.
    async fn signed_in(&self, user: UserId, device: Option<&TokenHash>, record: &Record) -> Result<(), StoreError>;
    /// Whether this device has signed in as this user before.
    async fn knows_device(&self, user: UserId, device: &TokenHash) -> Result<bool, StoreError>;
    /// Replaces the password hash if it still is `old` and moves the user's epoch; the new epoch, or `None` if it was not `old`.
    async fn set_password(
        &self,
        user: UserId,
        old: Option<&SecretString>,
        new: &SecretString,
        record: &Record,
    ) -> Result<Option<i64>, StoreError>;
    /// Enables or disables the account; disabling moves the user's epoch and never leaves an active organization ownerless.
    async fn set_enabled(&self, user: UserId, enabled: bool, record: &Record) -> Result<Switched, StoreError>;
}

/// How current an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// At most one second old: enough to answer a read.
    Cached,
    /// Read now: what a change needs.
    Fresh,
}

/// What a membership says about a session in that organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembershipStanding {
    /// The member's role now.
    pub role: Role,
    /// Grows when the role changes or the member is removed.
    pub epoch: i64,
    /// Whether the organization is active (neither suspended nor deleted).
    pub org_active: bool,
}

/// Where a user lands when they sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home {
    /// The organization.
    pub org: OrgId,
    /// The epoch of the user's membership in it.
    pub epoch: i64,
}

/// The durable facts that decide whether a session still counts.
#[async_trait]
pub trait Standings: Send + Sync {
    /// The user's standing, with their membership in `org`; `None` when there is no such user.
    async fn of(&self, user: UserId, org: Option<OrgId>, fresh: Freshness) -> Result<Option<Standing>, StoreError>;
    /// The organization they used last, if they still are an active member of it and it is active; else their oldest such one.
    async fn home(&self, user: UserId) -> Result<Option<Home>, StoreError>;
    /// Moves the user's epoch: every session made before is dead. The new epoch, or `None` without such a user.
    async fn end_sessions(&self, user: UserId, record: &Record) -> Result<Option<i64>, StoreError>;
    /// Remembers where the user wants to land next time.
    async fn set_home(&self, user: UserId, org: OrgId, record: &Record) -> Result<(), StoreError>;
    /// Writes a record that accompanies no other change (a failed sign-in, a sign-out).
    async fn note(&self, record: &Record) -> Result<(), StoreError>;
}

/// Which sessions of a user to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoke {
    /// This one.
    One(SessionId),
    /// All but this one.
    Others(SessionId),
    /// All.
    All,
}

/// Live sessions. No method can bring a session back: a change of one that is gone fails closed.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Keeps a new session; beyond `cap` sessions of that user the oldest dies, in the same step.
    async fn create(&self, tag: &UserTag, key: &TokenHash, session: &Session, cap: u32) -> Result<(), StoreError>;
    /// Reads a session and slides its idle time to `now`, in one step; `None` when it is not there, idle too long or expired.
    async fn touch(&self, tag: &UserTag, key: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError>;
    /// Replaces a session by another of the same user in one step; `false` when the old one is gone: then nothing is kept.
    async fn renew(
        &self,
        tag: &UserTag,
        old: &TokenHash,
        new: &TokenHash,
        session: &Session,
    ) -> Result<bool, StoreError>;
    /// The user's live sessions, newest first.
    async fn list(&self, tag: &UserTag, user: UserId, now: Timestamp) -> Result<Vec<Seen>, StoreError>;
    /// Ends sessions; how many there were.
    async fn revoke(&self, tag: &UserTag, user: UserId, which: Revoke) -> Result<u64, StoreError>;
}

/// One-time sign-in links.
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Keeps the hash of a link's secret.
    async fn issue(
        &self,
        link: &TokenHash,
        user: UserId,
        expires_at: Timestamp,
        record: &Record,
    ) -> Result<(), StoreError>;
    /// Uses a link up: of any number of callers exactly one gets the user, and none after `expires_at`.
    async fn redeem(&self, link: &TokenHash, now: Timestamp) -> Result<Option<UserId>, StoreError>;
}

/// Answer of [`ApiKeyStore::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKept {
    /// The key exists now.
    Kept,
    /// The organization has [`ApiKey::PER_ORG`] living keys; nothing changed.
    TooMany,
    /// The caller may not manage the organization's keys any more; nothing changed.
    Outdated,
}

/// Answer of [`ApiKeyStore::revoke`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRevoked {
    /// It is dead.
    Revoked,
    /// The organization has no such key, or it is revoked already; nothing changed.
    NotFound,
    /// The caller may not manage the organization's keys any more; nothing changed.
    Outdated,
}

/// API keys.
///
/// The caller is the user of `record.actor`. In the same step as the change, `create` and `revoke` look at the caller's role once
/// more: who is or was a member of the organization and is none of its owners and admins now gets `Outdated`, so that nothing is done
/// on a role that was taken away. Who never was a member acts by another right.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Keeps a new key under the hash of its text. An organization never has more than [`ApiKey::PER_ORG`] keys that live
    /// ([`ApiKey::lives`]) at the new key's `created_at`, also in a race.
    async fn create(&self, key: &ApiKey, hash: &TokenHash, record: &Record) -> Result<KeyKept, StoreError>;
    /// The key with this hash, dead ones too, as it was at most one second ago, whichever process changed it.
    async fn by_hash(&self, hash: &TokenHash) -> Result<Option<ApiKey>, StoreError>;
    /// Whether the organization exists and is active, as it was at most one second ago.
    async fn org_active(&self, org: OrgId) -> Result<bool, StoreError>;
    /// The organization's keys that are not revoked, newest first, read now.
    async fn list(&self, org: OrgId) -> Result<Vec<ApiKey>, StoreError>;
    /// Revokes a key for good, at the record's time.
    async fn revoke(&self, org: OrgId, id: ApiKeyId, record: &Record) -> Result<KeyRevoked, StoreError>;
    /// Moves `last_used` forward to `now`, never back. Without such a key nothing happens.
    async fn touch(&self, id: ApiKeyId, now: Timestamp) -> Result<(), StoreError>;
}

/// How attempts at one key are slowed down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThrottleRule {
    /// GCRA: `burst` at once, then one per `period`.
    Steady {
        /// Attempts at once.
        burst: u32,
        /// One more after each of these.
        period: Duration,
    },
    /// Each attempt doubles the wait for the next, from `first` to `longest`.
    Doubling {
        /// The wait after the first attempt.
        first: Duration,
        /// The longest wait.
        longest: Duration,
    },
}

/// Answer of [`Throttle::admit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Go on; the attempt is counted.
    Admitted,
    /// Not now; nothing is counted.
    Wait(Duration),
}

/// Counts attempts, for every process alike.
#[async_trait]
pub trait Throttle: Send + Sync {
    /// Counts an attempt at `key` if the rule admits it now; of racing attempts no more pass than the rule allows.
    async fn admit(&self, key: &str, rule: ThrottleRule, now: Timestamp) -> Result<Attempt, StoreError>;
    /// Gives an attempt back (it succeeded): one under `Steady`, all under `Doubling`.
    async fn forgive(&self, key: &str, rule: ThrottleRule) -> Result<(), StoreError>;
}

/// Slow password hashing, off the request's thread.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// A PHC string.
    async fn hash(&self, password: &SecretString) -> Result<SecretString, StoreError>;
    /// Whether the password is the one of the PHC string; `None` costs as much as a real comparison and is never true.
    async fn verify(&self, password: &SecretString, phc: Option<&SecretString>) -> Result<bool, StoreError>;
}

/// Reads a login as the store knows it: a user name, or an e-mail address in its canonical form.
pub(crate) fn canonical_login(text: &str) -> Option<String> {
    match Email::parse(text) {
        Ok(email) => Some(email.canonical().to_owned()),
        Err(_) => Username::parse(text).ok().map(|name| name.as_str().to_owned()),
    }
}
