use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use kernel::StoreError;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::PasswordHasher;

/// A [`PasswordHasher`] that costs nothing: one salted SHA-256 in a PHC string. For tests only.
#[derive(Debug, Default)]
pub struct PlainHasher {
    salts: AtomicU64,
    comparisons: AtomicU64,
}

impl PlainHasher {
    /// A hasher.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many comparisons there were, the pretended ones included: every answer to a sign-in should cost the same number.
    pub fn comparisons(&self) -> u64 {
        self.comparisons.load(Ordering::SeqCst)
    }

    fn phc(salt: &str, password: &SecretString) -> String {
        let digest =
            Sha256::new().chain_update(salt).chain_update("$").chain_update(password.expose_secret()).finalize();
        format!("$plain-sha256$v=1${salt}${}", STANDARD_NO_PAD.encode(digest))
    }
}

#[async_trait]
impl PasswordHasher for PlainHasher {
    async fn hash(&self, password: &SecretString) -> Result<SecretString, StoreError> {
        let salt = STANDARD_NO_PAD.encode(self.salts.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        Ok(Self::phc(&salt, password).into())
    }

    async fn verify(&self, password: &SecretString, phc: Option<&SecretString>) -> Result<bool, StoreError> {
        self.comparisons.fetch_add(1, Ordering::SeqCst);
        let Some(phc) = phc.map(ExposeSecret::expose_secret) else { return Ok(false) };
        let salt = phc.split('$').nth(3).ok_or_else(|| StoreError::broken("not a PHC string of ours"))?;
        Ok(Self::phc(salt, password) == phc)
    }
}
