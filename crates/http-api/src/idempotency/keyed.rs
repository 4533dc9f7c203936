use std::sync::Arc;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Begun, Idempotency, IdempotencyKey, Recorded, StoreError, Timestamp, TokenHash};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What sets these fingerprints apart from whatever else is made with the same secret.
const PURPOSE: &[u8] = b"ops-center idempotency v1";

/// An [`Idempotency`] whose store cannot be searched for what was sent: it is given HMAC-SHA-256 of the request's digest, under a key
/// that it does not have. With the digest alone, whoever copies the store could try out short secrets that a body contained.
#[derive(Clone)]
pub struct KeyedIdempotency {
    inner: Arc<dyn Idempotency>,
    secret: Zeroizing<[u8; 32]>,
}

impl KeyedIdempotency {
    /// Over this store, with a secret of the installation: 256 random bits that all its servers share, not kept in that store, and the
    /// same for as long as answers are.
    pub fn new(inner: Arc<dyn Idempotency>, secret: &[u8; 32]) -> Self {
        Self { inner, secret: Zeroizing::new(*secret) }
    }

    fn keyed(&self, key: &IdempotencyKey) -> Result<IdempotencyKey, StoreError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_slice()).map_err(StoreError::broken)?;
        mac.update(PURPOSE);
        mac.update(key.payload.as_bytes());
        Ok(IdempotencyKey { scope: key.scope, payload: TokenHash::from_bytes(mac.finalize().into_bytes().into()) })
    }
}

#[async_trait]
impl Idempotency for KeyedIdempotency {
    async fn begin(&self, key: &IdempotencyKey, now: Timestamp, lease_until: Timestamp) -> Result<Begun, StoreError> {
        self.inner.begin(&self.keyed(key)?, now, lease_until).await
    }

    async fn finish(&self, key: &IdempotencyKey, answer: &Recorded, keep_until: Timestamp) -> Result<(), StoreError> {
        self.inner.finish(&self.keyed(key)?, answer, keep_until).await
    }

    async fn abandon(&self, key: &IdempotencyKey) -> Result<(), StoreError> {
        self.inner.abandon(&self.keyed(key)?).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kernel::testing::{MemoryIdempotency, idempotency_contract, idempotency_race, manual_ambient};

    use super::*;

    /// A store that keeps every fingerprint it is given.
    #[derive(Default)]
    struct Copied(Mutex<Vec<(TokenHash, TokenHash)>>);

    impl Copied {
        fn note(&self, key: &IdempotencyKey) {
            self.0.lock().unwrap().push((key.scope, key.payload));
        }
    }

    #[async_trait]
    impl Idempotency for Copied {
        async fn begin(&self, key: &IdempotencyKey, _: Timestamp, _: Timestamp) -> Result<Begun, StoreError> {
            self.note(key);
            Ok(Begun::First)
        }
        async fn finish(&self, key: &IdempotencyKey, _: &Recorded, _: Timestamp) -> Result<(), StoreError> {
            self.note(key);
            Ok(())
        }
        async fn abandon(&self, key: &IdempotencyKey) -> Result<(), StoreError> {
            self.note(key);
            Ok(())
        }
    }

    #[actix_web::test]
    async fn the_store_never_sees_the_digest_of_what_was_sent() {
        let (_, ambient) = manual_ambient(7);
        let (now, copied) = (ambient.now(), Arc::new(Copied::default()));
        let key = IdempotencyKey { scope: TokenHash::from_bytes([1; 32]), payload: TokenHash::from_bytes([2; 32]) };
        let answer = Recorded { status: 200, content_type: String::new(), body: Vec::new() };
        for secret in [[3; 32], [4; 32]] {
            let keyed = KeyedIdempotency::new(copied.clone(), &secret);
            keyed.begin(&key, now, now).await.unwrap();
            keyed.finish(&key, &answer, now).await.unwrap();
            keyed.abandon(&key).await.unwrap();
        }
        let seen = copied.0.lock().unwrap().clone();
        assert!(seen.iter().all(|(scope, payload)| *scope == key.scope && *payload != key.payload));
        assert!(seen[..3].iter().all(|one| *one == seen[0]) && seen[3..].iter().all(|one| *one == seen[3]));
        assert_ne!(seen[0], seen[3], "another installation keeps another fingerprint of the same request");
    }

    #[actix_web::test]
    async fn it_promises_what_every_idempotency_does() {
        let (_, ambient) = manual_ambient(7);
        let keyed = KeyedIdempotency::new(Arc::new(MemoryIdempotency::default()), &[3; 32]);
        idempotency_contract(&keyed, &ambient).await;
        idempotency_race(&keyed, &ambient).await;
    }
}
