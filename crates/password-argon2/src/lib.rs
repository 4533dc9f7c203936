//! Password hashing with Argon2id (RFC 9106): [`Argon2Hasher`] is the [`auth_core::PasswordHasher`] of local accounts.
//!
//! The defaults are OWASP's: 19 MiB, two passes, one lane, a random salt of 16 bytes. What is stored is a PHC string, which
//! carries its own parameters: raising [`Argon2Options`] changes what new passwords cost, and every older one still verifies.
//!
//! A comparison costs tens of milliseconds and 19 MiB, so it runs on Tokio's blocking threads and at most
//! [`Argon2Options::max_parallel`] at once; who has waited 5 s is told `StoreError::Unavailable`. A password of nobody is
//! compared with a dummy hash of the same parameters, so that a stranger cannot tell by the time whether an account exists.
//! Passwords stay inside [`SecretString`], and Argon2's memory is wiped after use.

use std::{sync::Arc, thread, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{self, phc::PasswordHash},
};
use async_trait::async_trait;
use auth_core::PasswordHasher;
use kernel::{OsRng, Rng as _, StoreError};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// How long somebody waits for their turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Options {
    /// Memory, in KiB (at least 8 per lane).
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
    /// Hashes and comparisons at once.
    pub max_parallel: usize,
}

impl Default for Argon2Options {
    /// OWASP's parameters; as many at once as the machine has processors.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self { memory_kib: 19_456, iterations: 2, lanes: 1, max_parallel: processors }
    }
}

/// Argon2id off the request's thread, bounded.
#[derive(Clone)]
pub struct Argon2Hasher {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    dummy: SecretString,
}

impl Argon2Hasher {
    /// A hasher with these parameters. Computes one hash; `StoreError::Broken` for parameters that Argon2 does not allow.
    pub fn new(options: Argon2Options) -> Result<Self, StoreError> {
        let params = Params::new(options.memory_kib, options.iterations, options.lanes, None)
            .map_err(|error| StoreError::broken(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut nobody = Zeroizing::new([0; 32]);
        OsRng.fill(nobody.as_mut());
        let dummy = hash(&argon2, nobody.as_ref())?;
        Ok(Self { argon2, turns: Arc::new(Semaphore::new(options.max_parallel.max(1))), dummy })
    }

    /// Waits for a turn and does the work on a blocking thread. The turn belongs to the work: a caller who goes away does not
    /// make room for more than the machine can do.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = match tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(turn) => turn.map_err(StoreError::broken)?,
            Err(_) => return Err(StoreError::unavailable("password hashing is overloaded")),
        };
        let argon2 = self.argon2.clone();
        let work = tokio::task::spawn_blocking(move || {
            let answer = work(&argon2);
            drop(turn);
            answer
        });
        work.await.map_err(StoreError::broken)?
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: &SecretString) -> Result<SecretString, StoreError> {
        let password = password.clone();
        self.run(move |argon2| hash(argon2, password.expose_secret().as_bytes())).await
    }

    async fn verify(&self, password: &SecretString, phc: Option<&SecretString>) -> Result<bool, StoreError> {
        let password = password.clone();
        let known = phc.is_some();
        let phc = phc.unwrap_or(&self.dummy).clone();
        let equal = self.run(move |argon2| verify(argon2, &password, &phc)).await?;
        Ok(equal && known)
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<SecretString, StoreError> {
    let mut salt = [0; argon2::RECOMMENDED_SALT_LEN];
    OsRng.fill(&mut salt);
    let phc: PasswordHash = argon2.hash_password_with_salt(password, &salt).map_err(store_error)?;
    Ok(phc.to_string().into())
}

fn verify(argon2: &Argon2<'_>, password: &SecretString, phc: &SecretString) -> Result<bool, StoreError> {
    let phc = PasswordHash::new(phc.expose_secret()).map_err(|error| StoreError::broken(error.to_string()))?;
    if phc.salt.is_none() || phc.hash.is_none() {
        return Err(StoreError::broken("a stored password hash lacks its salt or its output"));
    }
    match argon2.verify_password(password.expose_secret().as_bytes(), &phc) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(store_error(error)),
    }
}

fn store_error(error: password_hash::Error) -> StoreError {
    match error {
        password_hash::Error::OutOfMemory => StoreError::unavailable(error.to_string()),
        _ => StoreError::broken(error.to_string()),
    }
}
