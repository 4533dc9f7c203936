//! Sign-in, sessions, CSRF and password rules, without a web framework, a database or a runtime.
//!
//! [`SignIn`] turns credentials into a session, [`Sessions`] tells who a session token is and ends sessions, [`Passwords`]
//! changes a password, [`Users`] makes and disables accounts, [`ApiKeys`] makes, revokes and recognises the keys of services.
//! Each is a struct of ports; doubles of the ports, and the contract tests that every adapter runs, are in `testing` (feature
//! `testing`).
mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::AuthError,
    model::{
        api_key::{ApiKey, ApiKeyToken, BadKeyName, BadScope, KeyName, NewApiKey, Scope, Scopes},
        credential::{Credentials, Device, Secret},
        session::{Lifetimes, Seen, Session, SessionToken, Standing, UserTag},
        user::{BadUsername, NewUser, User, Username},
    },
    ports::{
        ApiKeyStore, Attempt, Freshness, Home, Inserted, KeyKept, KeyRevoked, LinkStore, MembershipStanding,
        PasswordHasher, Revoke, SessionStore, Standings, Switched, Throttle, ThrottleRule, UserStore, WithHash,
    },
    service::{
        api_keys::ApiKeys,
        password::{Changed, Passwords},
        sessions::{Authenticated, Renewed, SessionRules, Sessions},
        sign_in::{SignIn, SignInPorts, SignedIn},
        users::Users,
    },
};
