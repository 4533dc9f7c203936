use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Outcome, Record, UserId};

use super::sessions::{Proof, Renewed};
use crate::policy::throttle::{self, PER_ACCOUNT, PER_ADDRESS, PER_DEVICE};
use crate::ports::canonical_login;
use crate::{
    Attempt, AuthError, Credentials, Device, Freshness, LinkStore, PasswordHasher, Secret, Session, SessionToken,
    Sessions, Standings, Throttle, ThrottleRule, User, UserStore, WithHash,
};

/// Somebody proved who they are.
#[derive(Debug)]
pub struct SignedIn {
    /// For the session cookie.
    pub token: SessionToken,
    /// The session.
    pub session: Session,
    /// Who.
    pub user: User,
    /// For the device cookie, when this browser was not known before.
    pub device: Option<Device>,
}

/// The ports of [`SignIn`].
#[derive(Clone)]
pub struct SignInPorts {
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// One-time links.
    pub links: Arc<dyn LinkStore>,
    /// Epochs and homes.
    pub standings: Arc<dyn Standings>,
    /// Attempts.
    pub throttle: Arc<dyn Throttle>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
}

/// Turns credentials into a session.
#[derive(Clone)]
pub struct SignIn {
    ports: SignInPorts,
    sessions: Sessions,
    ambient: Ambient,
}

/// A counted attempt: where it was counted, so that success can give it back.
struct Counted {
    key: String,
    rule: ThrottleRule,
}

impl SignIn {
    /// The use cases over these ports.
    pub fn new(ports: SignInPorts, sessions: Sessions, ambient: Ambient) -> Self {
        Self { ports, sessions, ambient }
    }

    /// Signs in with a user name or e-mail address and a password. Unknown, wrong and disabled answer alike and cost alike.
    /// `device` is the device cookie, `replacing` the session cookie of this browser, if it has them.
    pub async fn with_password(
        &self,
        actor: &Actor,
        credentials: &Credentials,
        device: Option<&Device>,
        replacing: Option<&SessionToken>,
    ) -> Result<SignedIn, AuthError> {
        let login = canonical_login(&credentials.login);
        let found = match &login {
            Some(login) => self.ports.users.by_login(login).await?,
            None => None,
        };
        let known = self.known_device(found.as_ref(), device).await?;
        let counted = self.count(actor, &login.unwrap_or_default(), known.as_ref()).await?;
        let right = self.verify(&credentials.password, found.as_ref()).await?;
        let Some(found) = found.filter(|_| right) else {
            self.note_failure(actor, &credentials.login).await?;
            return Err(AuthError::InvalidCredentials);
        };
        for attempt in counted {
            self.ports.throttle.forgive(&attempt.key, attempt.rule).await?;
        }
        self.admit(actor, found, known.is_none(), replacing).await
    }

    /// Signs in with a one-time link; wrong, used, expired and foreign links answer alike.
    pub async fn with_link(
        &self,
        actor: &Actor,
        link: &Secret,
        replacing: Option<&SessionToken>,
    ) -> Result<SignedIn, AuthError> {
        let address = self.count_address(actor).await?;
        let user = self.ports.links.redeem(&link.hash(), self.ambient.now()).await?;
        let found = match user {
            Some(user) => self.ports.users.by_id(user).await?.filter(|found| found.user.enabled),
            None => None,
        };
        let Some(found) = found else {
            self.note_failure(actor, "one-time-link").await?;
            return Err(AuthError::InvalidCredentials);
        };
        self.ports.throttle.forgive(&address.key, address.rule).await?;
        self.admit(actor, found, true, replacing).await
    }

    /// Signs in somebody whose account was made a moment ago, by the one who made it.
    pub async fn as_new_user(&self, actor: &Actor, user: UserId) -> Result<SignedIn, AuthError> {
        let found = self.ports.users.by_id(user).await?.ok_or(AuthError::UserNotFound)?;
        self.admit(actor, found, true, None).await
    }

    async fn known_device(
        &self,
        found: Option<&WithHash>,
        device: Option<&Device>,
    ) -> Result<Option<(UserId, Device)>, AuthError> {
        let (Some(found), Some(device)) = (found, device) else { return Ok(None) };
        let known = self.ports.users.knows_device(found.user.id, &device.hash()).await?;
        Ok(known.then(|| (found.user.id, device.clone())))
    }

    /// Counts the attempt at the address and at the account, or at the known device instead of both: a victim is not locked out.
    async fn count(
        &self,
        actor: &Actor,
        login: &str,
        known: Option<&(UserId, Device)>,
    ) -> Result<Vec<Counted>, AuthError> {
        if let Some((user, device)) = known {
            return Ok(vec![self.count_at(throttle::device_key(*user, device), PER_DEVICE).await?]);
        }
        let address = self.count_address(actor).await?;
        let account = self.count_at(throttle::login_key(login), PER_ACCOUNT).await?;
        Ok(vec![address, account])
    }

    async fn count_address(&self, actor: &Actor) -> Result<Counted, AuthError> {
        self.count_at(throttle::address_key(actor.ip), PER_ADDRESS).await
    }

    async fn count_at(&self, key: String, rule: ThrottleRule) -> Result<Counted, AuthError> {
        match self.ports.throttle.admit(&key, rule, self.ambient.now()).await? {
            Attempt::Admitted => Ok(Counted { key, rule }),
            Attempt::Wait(wait) => Err(AuthError::TooManyAttempts(wait)),
        }
    }

    /// One comparison of the same cost for everybody; disabled accounts fail after it.
    async fn verify(&self, password: &secrecy::SecretString, found: Option<&WithHash>) -> Result<bool, AuthError> {
        let hash = found.and_then(|found| found.password_hash.as_ref());
        let right = self.ports.hasher.verify(password, hash).await?;
        Ok(right && found.is_some_and(|found| found.user.enabled))
    }

    async fn note_failure(&self, actor: &Actor, login: &str) -> Result<(), AuthError> {
        // People type passwords into the wrong field: only what can be a login is remembered.
        let typed = canonical_login(login).unwrap_or_else(|| "not a login".to_owned());
        let record = Record::new(&self.ambient, actor, Action::Login, "login", typed).ended(Outcome::Failure);
        Ok(self.ports.standings.note(&record).await?)
    }

    async fn admit(
        &self,
        actor: &Actor,
        found: WithHash,
        new_device: bool,
        replacing: Option<&SessionToken>,
    ) -> Result<SignedIn, AuthError> {
        let user = found.user;
        let actor = actor.known_as(user.id);
        let device = new_device.then(|| Device::mint(&self.ambient));
        let standing =
            self.ports.standings.of(user.id, None, Freshness::Fresh).await?.ok_or(AuthError::InvalidCredentials)?;
        let home = self.ports.standings.home(user.id).await?;
        let record = Record::new(&self.ambient, &actor, Action::Login, "user", user.id);
        self.ports.users.signed_in(user.id, device.as_ref().map(Secret::hash).as_ref(), &record).await?;
        let proof = Proof {
            user: user.id,
            tag: user.tag.clone(),
            role: user.role,
            epoch: found.epoch,
            platform_epoch: standing.platform_epoch,
            home,
        };
        let Renewed { token, session } = self.sessions.start(&actor, proof, replacing).await?;
        Ok(SignedIn { token, session, user, device })
    }
}
