#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a broken contract panics")]

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{MemoryTrail, race};
use crate::{Ambient, Begun, Idempotency, IdempotencyKey, Recorded, StoreError, Timestamp, TokenHash};

struct Claim {
    payload: TokenHash,
    /// The end of the lease while there is no answer, then of the answer.
    until: Timestamp,
    answer: Option<Recorded>,
}

/// [`Idempotency`] in memory.
#[derive(Default)]
pub struct MemoryIdempotency {
    claims: Mutex<HashMap<TokenHash, Claim>>,
    trail: MemoryTrail,
}

impl MemoryIdempotency {
    /// From now on every method fails.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }

    fn claims(&self) -> Result<MutexGuard<'_, HashMap<TokenHash, Claim>>, StoreError> {
        self.trail.up()?;
        Ok(self.claims.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Idempotency for MemoryIdempotency {
    async fn begin(&self, key: &IdempotencyKey, now: Timestamp, lease_until: Timestamp) -> Result<Begun, StoreError> {
        let mut claims = self.claims()?;
        if let Some(claim) = claims.get(&key.scope).filter(|claim| now < claim.until) {
            return Ok(match &claim.answer {
                _ if claim.payload != key.payload => Begun::OtherPayload,
                Some(answer) => Begun::Done(answer.clone()),
                None => Begun::Running,
            });
        }
        claims.insert(key.scope, Claim { payload: key.payload, until: lease_until, answer: None });
        Ok(Begun::First)
    }

    async fn finish(&self, key: &IdempotencyKey, answer: &Recorded, keep_until: Timestamp) -> Result<(), StoreError> {
        if let Some(claim) = self.claims()?.get_mut(&key.scope) {
            claim.answer = Some(answer.clone());
            claim.until = keep_until;
        }
        Ok(())
    }

    async fn abandon(&self, key: &IdempotencyKey) -> Result<(), StoreError> {
        self.claims()?.remove(&key.scope);
        Ok(())
    }
}

fn fresh_key(ambient: &Ambient) -> IdempotencyKey {
    IdempotencyKey { scope: TokenHash::from_bytes(ambient.random()), payload: TokenHash::from_bytes(ambient.random()) }
}

/// What every [`Idempotency`] promises.
pub async fn idempotency_contract(store: &dyn Idempotency, ambient: &Ambient) {
    let now = ambient.now();
    let (second, lease, day) = (Duration::from_secs(1), Duration::from_mins(1), Duration::from_hours(24));
    let key = fresh_key(ambient);
    let other = IdempotencyKey { payload: TokenHash::from_bytes(ambient.random()), ..key.clone() };
    let begin = async |key: &IdempotencyKey, at: Timestamp| store.begin(key, at, at + lease).await.unwrap();

    assert_eq!(begin(&key, now).await, Begun::First, "nobody did this");
    assert_eq!(begin(&key, now + second).await, Begun::Running, "the first attempt still runs");
    assert_eq!(begin(&other, now + second).await, Begun::OtherPayload, "the same key, another payload, while it runs");
    assert_eq!(begin(&fresh_key(ambient), now).await, Begun::First, "another key has nothing to do with it");

    let retry = now + lease + second;
    assert_eq!(begin(&key, retry).await, Begun::First, "a claim whose lease ran out may be claimed again");
    assert_eq!(begin(&key, retry + second).await, Begun::Running, "the new claim has a lease of its own");

    store.abandon(&key).await.unwrap();
    assert_eq!(begin(&key, retry + second).await, Begun::First, "an abandoned claim never was");

    let answer = Recorded { status: 201, content_type: "application/json".into(), body: b"{\"id\":1}\0\xff".to_vec() };
    store.finish(&key, &answer, retry + day).await.unwrap();
    for at in [retry + second * 2, retry + lease * 2, retry + day - second] {
        assert_eq!(begin(&key, at).await, Begun::Done(answer.clone()), "the answer is given again, to the byte");
        assert_eq!(begin(&other, at).await, Begun::OtherPayload, "the same key, another payload, afterwards");
    }
    assert_eq!(begin(&key, retry + day + second).await, Begun::First, "an answer is kept until its time is over");
}

/// Of 32 racing attempts with one key exactly one is the first, also when they race for a claim whose lease ran out.
pub async fn idempotency_race(store: &dyn Idempotency, ambient: &Ambient) {
    let (now, lease) = (ambient.now(), Duration::from_mins(1));
    let key = fresh_key(ambient);
    for at in [now, now + lease * 2] {
        let answers = race(32, async |_| store.begin(&key, at, at + lease).await.unwrap()).await;
        assert_eq!(answers.iter().filter(|begun| **begun == Begun::First).count(), 1, "exactly one is the first");
        assert_eq!(answers.iter().filter(|begun| **begun == Begun::Running).count(), 31, "the others see it run");
    }
}
