//! A small installation in memory, whose clock is moved by hand.

use std::net::IpAddr;
use std::sync::Arc;

use auth_core::testing::{MemoryAuth, PlainHasher};
use auth_core::{
    ApiKeys, AuthError, Authenticated, Credentials, Device, Freshness, NewUser, Passwords, SessionRules, SessionToken,
    Sessions, SignIn, SignInPorts, SignedIn, User, Username, Users,
};
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Action, Actor, ActorKind, Ambient, Email, PlatformRole};

pub(crate) const PASSWORD: &str = "tulip wagon 7 rivers";

pub(crate) struct World {
    pub(crate) memory: Arc<MemoryAuth>,
    pub(crate) hasher: Arc<PlainHasher>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ambient: Ambient,
    pub(crate) sessions: Sessions,
    pub(crate) sign_in: SignIn,
    pub(crate) users: Users,
    pub(crate) passwords: Passwords,
    pub(crate) api_keys: ApiKeys,
}

/// A request of nobody in particular from this address.
pub(crate) fn from(ip: &str) -> Actor {
    Actor { kind: ActorKind::Anonymous, ip: Some(ip.parse::<IpAddr>().unwrap()), ..Actor::system() }
}

pub(crate) fn credentials(login: &str, password: &str) -> Credentials {
    Credentials { login: login.to_owned(), password: password.into() }
}

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        email_verified: true,
        username: Username::parse(name).unwrap(),
        role: PlatformRole::User,
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let (clock, ambient) = manual_ambient(seed);
        let (memory, hasher) = (Arc::new(MemoryAuth::new()), Arc::new(PlainHasher::new()));
        let sessions =
            Sessions::new(memory.clone(), memory.clone(), memory.clone(), ambient.clone(), SessionRules::default());
        let ports = SignInPorts {
            users: memory.clone(),
            links: memory.clone(),
            standings: memory.clone(),
            throttle: memory.clone(),
            hasher: hasher.clone(),
        };
        let sign_in = SignIn::new(ports, sessions.clone(), ambient.clone());
        let users = Users::new(memory.clone(), memory.clone(), hasher.clone(), sessions.clone(), ambient.clone());
        let passwords =
            Passwords::new(memory.clone(), hasher.clone(), memory.clone(), sessions.clone(), ambient.clone());
        let api_keys = ApiKeys::new(memory.clone(), memory.clone(), memory.clone(), ambient.clone());
        Self { memory, hasher, clock, ambient, sessions, sign_in, users, passwords, api_keys }
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        self.users.create(&Actor::system(), new_user(name), &PASSWORD.into()).await.unwrap()
    }

    pub(crate) async fn admin(&self, name: &str) -> User {
        let new = NewUser { role: PlatformRole::Admin, ..new_user(name) };
        self.users.create(&Actor::system(), new, &PASSWORD.into()).await.unwrap()
    }

    /// One attempt from an address, perhaps with a device cookie.
    pub(crate) async fn attempt(
        &self,
        ip: &str,
        login: &str,
        password: &str,
        device: Option<&Device>,
    ) -> Result<SignedIn, AuthError> {
        self.sign_in.with_password(&from(ip), &credentials(login, password), device, None).await
    }

    /// Signs a user in, who knows the password.
    pub(crate) async fn enter(&self, user: &User) -> SignedIn {
        self.attempt("198.51.100.7", user.username.as_str(), PASSWORD, None).await.unwrap()
    }

    pub(crate) async fn who(&self, token: &SessionToken) -> Option<Authenticated> {
        self.sessions.authenticate(token, Freshness::Fresh).await.unwrap()
    }

    pub(crate) async fn lives(&self, token: &SessionToken) -> bool {
        self.who(token).await.is_some()
    }

    /// What the trail says was done, the first first.
    pub(crate) fn trail(&self) -> Vec<Action> {
        self.memory.records().iter().map(|record| record.action).collect()
    }
}
