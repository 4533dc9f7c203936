use std::time::Duration;

use kernel::StoreError;

use crate::ApiKey;
use crate::policy::password::Violation;

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Unknown login, wrong password, disabled account or used link: never told apart (OWASP ASVS 6.3.8).
    #[error("the user name or the password is wrong")]
    InvalidCredentials,
    /// Too many attempts from this address or at this account.
    #[error("too many attempts; try again in {} seconds", .0.as_secs().max(1))]
    TooManyAttempts(Duration),
    /// The session is gone: it ended, or something it depends on changed.
    #[error("the session has ended; sign in again")]
    SessionEnded,
    /// There is no such session of this user.
    #[error("there is no such session")]
    SessionNotFound,
    /// There is no such user.
    #[error("there is no such user")]
    UserNotFound,
    /// The present password, which a change asks for, was wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// The new password breaks the policy.
    #[error("the new password does not satisfy the password policy")]
    WeakPassword(Vec<Violation>),
    /// The account cannot be made: somebody has this e-mail address.
    #[error("an account with this e-mail address exists")]
    EmailTaken,
    /// The account cannot be made: somebody has this user name.
    #[error("an account with this user name exists")]
    UsernameTaken,
    /// The name is kept for the platform.
    #[error("this user name is reserved")]
    UsernameReserved,
    /// The user is the only active owner of an organization.
    #[error("the user is the last owner of an organization; hand it over first")]
    LastOwner,
    /// The caller is not a member of that organization, or it does not exist.
    #[error("there is no such organization")]
    OrgNotFound,
    /// The action needs a sign-in that is at most this old.
    #[error("sign in again to do this")]
    NotFresh {
        /// The greatest age of a sign-in that is accepted.
        max_age: Duration,
    },
    /// The organization has no such API key.
    #[error("there is no such API key")]
    ApiKeyNotFound,
    /// The organization has as many living API keys as it may have.
    #[error("the organization has {} API keys, which is the most it may have; revoke one first", ApiKey::PER_ORG)]
    TooManyKeys,
    /// The caller could manage the organization's keys when they asked, and cannot any more.
    #[error("your role in the organization has changed meanwhile, and does not allow this any more")]
    Outdated,
    /// The end of a new API key is in the past or too far away.
    #[error("must be in the future and at most five years away")]
    BadKeyExpiry,
    /// A scope of the platform's keys was asked for a key of one organization.
    #[error("admin:read is for keys of the platform")]
    PlatformScope,
    /// Only the platform's administrators make keys that act for every organization.
    #[error("only a platform administrator can make a key of the platform")]
    PlatformAdminOnly,
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
