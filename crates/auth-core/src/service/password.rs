use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Record};
use secrecy::SecretString;

use super::sessions::Renewed;
use crate::policy::password::{Strength, Violation, judge};
use crate::policy::throttle::{PER_ACCOUNT, login_key};
use crate::{Attempt, AuthError, PasswordHasher, Session, SessionToken, Sessions, Throttle, UserStore};

/// A password was changed: this session goes on under a new token, every other one is dead.
#[derive(Debug)]
pub struct Changed {
    /// The session that goes on.
    pub renewed: Renewed,
    /// How hard the new password is to guess.
    pub strength: Strength,
}

/// Changes passwords of local accounts.
#[derive(Clone)]
pub struct Passwords {
    users: Arc<dyn UserStore>,
    hasher: Arc<dyn PasswordHasher>,
    throttle: Arc<dyn Throttle>,
    sessions: Sessions,
    ambient: Ambient,
}

impl Passwords {
    /// The use cases over these ports.
    pub fn new(
        users: Arc<dyn UserStore>,
        hasher: Arc<dyn PasswordHasher>,
        throttle: Arc<dyn Throttle>,
        sessions: Sessions,
        ambient: Ambient,
    ) -> Self {
        Self { users, hasher, throttle, sessions, ambient }
    }

    /// Changes the password of the session's user, who must know the present one. Guesses are slowed down like those at sign-in.
    pub async fn change(
        &self,
        actor: &Actor,
        token: &SessionToken,
        me: &Session,
        current: &SecretString,
        new: &SecretString,
    ) -> Result<Changed, AuthError> {
        let found = self.users.by_id(me.user).await?.ok_or(AuthError::SessionEnded)?;
        let strength =
            judge(new, &[found.user.username.as_str(), found.user.email.as_str()]).map_err(AuthError::WeakPassword)?;
        let key = login_key(&format!("change {}", me.user));
        if let Attempt::Wait(wait) = self.throttle.admit(&key, PER_ACCOUNT, self.ambient.now()).await? {
            return Err(AuthError::TooManyAttempts(wait));
        }
        if !self.hasher.verify(current, found.password_hash.as_ref()).await? {
            return Err(AuthError::WrongPassword);
        }
        self.throttle.forgive(&key, PER_ACCOUNT).await?;
        if self.hasher.verify(new, found.password_hash.as_ref()).await? {
            return Err(AuthError::WeakPassword(vec![Violation::Unchanged]));
        }
        let hash = self.hasher.hash(new).await?;
        let record = Record::new(&self.ambient, actor, Action::PasswordChanged, "user", me.user);
        let epoch = self.users.set_password(me.user, found.password_hash.as_ref(), &hash, &record).await?;
        let renewed = self.sessions.survive(token, me, epoch.ok_or(AuthError::SessionEnded)?).await?;
        Ok(Changed { renewed, strength })
    }
}
