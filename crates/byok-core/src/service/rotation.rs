use kernel::{Action, Actor, Record, StoreError};

use super::custody::not_retired;
use crate::{Custody, CustodyError, KeyRing, MasterKeyId, ProviderKey, Rewrapped, policy::seal};

/// How many keys one step of a rotation wraps again.
const STEP: u32 = 200;
/// How many passes may find keys and wrap none of them before a rotation gives up.
const IDLE_PASSES: u32 = 8;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The master key that seals now.
    pub active: MasterKeyId,
    /// How many keys were wrapped again.
    pub rewrapped: u64,
    /// Those that could not be: they do not open.
    pub undecryptable: u64,
}

/// One walk over everything that another master key sealed.
#[derive(Default)]
struct Pass {
    /// Keys that could be wrapped again, whether or not they still were as they had been read.
    found: u64,
    rewrapped: u64,
    undecryptable: u64,
    /// Somebody made another master key active: the walk was left.
    moved: bool,
}

impl Custody {
    /// Wraps every key again that another master key than the active one sealed, while they are in use. It may be stopped at any moment
    /// and begun again; `progress` is told how many are done, and of how many. It ends when a whole walk finds nothing to wrap: what
    /// servers sealed with the old master key meanwhile is found by the next walk.
    pub async fn rewrap(
        &self,
        actor: &Actor,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Rotation, CustodyError> {
        let active = self.ring.reread().await?.active().clone();
        let known = self.store.known().await?;
        let of: u64 = known.iter().filter(|key| key.id != active).map(|key| key.sealing).sum();
        let (mut done, mut idle) = (0, 0);
        loop {
            let ring = self.ring.reread().await?;
            let before = done;
            let pass = self.pass(actor, &ring, |step| {
                done += step;
                progress(done, of.max(done));
            });
            let pass = pass.await?;
            if pass.found == 0 && !pass.moved {
                let active = ring.active().clone();
                return self
                    .ended(actor, Rotation { active, rewrapped: before, undecryptable: pass.undecryptable })
                    .await;
            }
            idle = if pass.rewrapped == 0 { idle + 1 } else { 0 };
            if idle > IDLE_PASSES {
                return Err(StoreError::unavailable("the keys and the ring are being changed by others").into());
            }
        }
    }

    async fn pass(&self, actor: &Actor, ring: &KeyRing, mut step: impl FnMut(u64)) -> Result<Pass, CustodyError> {
        let active = ring.active();
        not_retired(&self.store.known().await?, active)?;
        if let Some(key) = ring.get(active)
            && !self.register(actor, active, key).await?
        {
            return Err(CustodyError::Different(active.clone()));
        }
        let (mut pass, mut after) = (Pass::default(), None);
        loop {
            let keys = self.store.sealed_otherwise(active, after, STEP).await?;
            let Some(last) = keys.last() else { return Ok(pass) };
            after = Some(last.id);
            // Read after the keys: it has whatever sealed them, also what another process added a moment ago.
            let ring = self.ring.reread().await?;
            if ring.active() != active {
                return Ok(Pass { moved: true, ..pass });
            }
            let wrapped: Vec<Rewrapped> = keys.iter().filter_map(|key| self.wrapped(&ring, key)).collect();
            pass.found += count(wrapped.len());
            pass.undecryptable += count(keys.len() - wrapped.len());
            let rewrapped = self.store.rewrap(&wrapped, active, &ring.active_check()).await?;
            pass.rewrapped += rewrapped;
            step(rewrapped);
        }
    }

    fn wrapped(&self, ring: &KeyRing, key: &ProviderKey) -> Option<Rewrapped> {
        let sealed = seal::rewrap(ring, &key.binding(), &key.sealed, &self.ambient).ok()?;
        let (id, org, version, from) = (key.id, key.org, key.version, key.master_key.clone());
        Some(Rewrapped { id, org, version, from, sealed })
    }

    async fn ended(&self, actor: &Actor, done: Rotation) -> Result<Rotation, CustodyError> {
        let record = Record::new(&self.ambient, actor, Action::MasterKeyRotated, "master_key", &done.active)
            .with("rewrapped", done.rewrapped)
            .with("undecryptable", done.undecryptable);
        self.store.rotated(&record).await?;
        Ok(done)
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
