use std::sync::Arc;
use std::time::Duration;

use kernel::{Action, Actor, Ambient, Record, StoreError, UserId};
use secrecy::SecretString;

use super::sessions::later;
use crate::policy::password::judge;
use crate::ports::canonical_login;
use crate::{
    AuthError, Inserted, LinkStore, NewUser, PasswordHasher, Secret, Sessions, Switched, User, UserStore, UserTag,
};

/// Makes, finds and disables accounts.
#[derive(Clone)]
pub struct Users {
    users: Arc<dyn UserStore>,
    links: Arc<dyn LinkStore>,
    hasher: Arc<dyn PasswordHasher>,
    sessions: Sessions,
    ambient: Ambient,
}

impl Users {
    /// How long a one-time sign-in link can be used.
    pub const LINK_LIFETIME: Duration = Duration::from_hours(24);

    /// The use cases over these ports.
    pub fn new(
        users: Arc<dyn UserStore>,
        links: Arc<dyn LinkStore>,
        hasher: Arc<dyn PasswordHasher>,
        sessions: Sessions,
        ambient: Ambient,
    ) -> Self {
        Self { users, links, hasher, sessions, ambient }
    }

    /// Whether nobody has an account yet.
    pub async fn none_yet(&self) -> Result<bool, AuthError> {
        Ok(!self.users.any().await?)
    }

    /// Whether an enabled account is a platform admin's.
    pub async fn any_admin(&self) -> Result<bool, AuthError> {
        Ok(self.users.any_admin().await?)
    }

    /// One account.
    pub async fn get(&self, id: UserId) -> Result<User, AuthError> {
        Ok(self.users.by_id(id).await?.ok_or(AuthError::UserNotFound)?.user)
    }

    /// The account of a user name or e-mail address.
    pub async fn find(&self, login: &str) -> Result<User, AuthError> {
        let login = canonical_login(login).ok_or(AuthError::UserNotFound)?;
        Ok(self.users.by_login(&login).await?.ok_or(AuthError::UserNotFound)?.user)
    }

    /// Makes an account with a password that satisfies the policy. The operator may use reserved names.
    pub async fn create(&self, actor: &Actor, new: NewUser, password: &SecretString) -> Result<User, AuthError> {
        judge(password, &[new.username.as_str(), new.email.as_str()]).map_err(AuthError::WeakPassword)?;
        let hash = self.hasher.hash(password).await?;
        let user = User {
            id: UserId::mint(&self.ambient),
            email: new.email,
            email_verified: new.email_verified,
            username: new.username,
            role: new.role,
            enabled: true,
            tag: UserTag::mint(&self.ambient),
            created_at: self.ambient.now(),
            last_login: None,
        };
        let record =
            Record::new(&self.ambient, actor, Action::UserCreated, "user", user.id).with("role", user.role.as_str());
        match self.users.insert(&user, Some(&hash), &record).await? {
            Inserted::Inserted => Ok(user),
            Inserted::EmailTaken => Err(AuthError::EmailTaken),
            Inserted::UsernameTaken => Err(AuthError::UsernameTaken),
        }
    }

    /// Makes an account for a person who registers themselves: reserved names are refused, and it never is an admin's.
    pub async fn register(&self, actor: &Actor, new: NewUser, password: &SecretString) -> Result<User, AuthError> {
        if new.username.is_reserved() {
            return Err(AuthError::UsernameReserved);
        }
        self.create(actor, NewUser { role: kernel::PlatformRole::User, ..new }, password).await
    }

    /// Gives an account another password by the operator's word, whatever the old one was: its sessions are dead before this returns.
    pub async fn set_password(&self, actor: &Actor, user: UserId, password: &SecretString) -> Result<(), AuthError> {
        let found = self.users.by_id(user).await?.ok_or(AuthError::UserNotFound)?;
        let names = [found.user.username.as_str(), found.user.email.as_str()];
        judge(password, &names).map_err(AuthError::WeakPassword)?;
        let hash = self.hasher.hash(password).await?;
        let record = Record::new(&self.ambient, actor, Action::PasswordChanged, "user", user);
        let set = self.users.set_password(user, found.password_hash.as_ref(), &hash, &record).await?;
        let meanwhile = || StoreError::unavailable("somebody else changed the password meanwhile");
        set.map(drop).ok_or_else(|| meanwhile().into())
    }

    /// A one-time sign-in link for an account, usable for [`Self::LINK_LIFETIME`].
    pub async fn issue_link(&self, actor: &Actor, user: UserId) -> Result<Secret, AuthError> {
        let secret = Secret::mint(&self.ambient);
        let expires_at = later(self.ambient.now(), Self::LINK_LIFETIME);
        let record = Record::new(&self.ambient, actor, Action::LinkIssued, "user", user);
        self.links.issue(&secret.hash(), user, expires_at, &record).await?;
        Ok(secret)
    }

    /// Disables an account: its sessions are dead before this returns. Refused for the last owner of an active organization.
    pub async fn disable(&self, actor: &Actor, user: UserId) -> Result<(), AuthError> {
        let record = Record::new(&self.ambient, actor, Action::UserDisabled, "user", user);
        self.switch(user, false, &record).await?;
        self.sessions.revoke_all(actor, user).await
    }

    /// Enables an account again; old sessions stay dead.
    pub async fn enable(&self, actor: &Actor, user: UserId) -> Result<(), AuthError> {
        let record = Record::new(&self.ambient, actor, Action::UserEnabled, "user", user);
        self.switch(user, true, &record).await
    }

    async fn switch(&self, user: UserId, enabled: bool, record: &Record) -> Result<(), AuthError> {
        match self.users.set_enabled(user, enabled, record).await? {
            Switched::Done => Ok(()),
            Switched::NotFound => Err(AuthError::UserNotFound),
            Switched::LastOwner => Err(AuthError::LastOwner),
        }
    }
}
