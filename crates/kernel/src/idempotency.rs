use async_trait::async_trait;

use crate::{StoreError, Timestamp, TokenHash};

/// Names one attempt of one caller at one operation, and what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// SHA-256 of principal, organization, operation and the client's `Idempotency-Key`.
    pub scope: TokenHash,
    /// SHA-256 of method, path and body: the same key with another payload is a mistake of the client.
    pub payload: TokenHash,
}

/// An answer, as it was given the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The HTTP status code.
    pub status: u16,
    /// The `Content-Type` of the body.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What the store says of an attempt that wants to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nobody did this yet: do it, then call `finish` or `abandon`.
    First,
    /// It was done: give this answer again.
    Done(Recorded),
    /// The same key came with another payload.
    OtherPayload,
    /// The first attempt still runs.
    Running,
}

/// Remembers the answers of operations that must happen once (IETF draft `idempotency-key-header`).
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Claims the key until `lease_until`; a claim whose lease ran out may be claimed again. Races: exactly one caller gets `First`.
    async fn begin(&self, key: &IdempotencyKey, now: Timestamp, lease_until: Timestamp) -> Result<Begun, StoreError>;

    /// Keeps the answer until `keep_until` (at least 24 h on).
    async fn finish(&self, key: &IdempotencyKey, answer: &Recorded, keep_until: Timestamp) -> Result<(), StoreError>;

    /// Gives the claim back: nothing was done.
    async fn abandon(&self, key: &IdempotencyKey) -> Result<(), StoreError>;
}
