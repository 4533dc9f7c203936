//! A process that can be stopped between any two steps, and beside which others work.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use byok_core::testing::{MemoryKeys, MemoryRing};
use byok_core::{
    Custody, CustodyStore, KeyRing, KnownMasterKey, MasterKeyId, ProviderKey, Retired, Rewrapped, RingHolder,
};
use kernel::{ProviderKeyId, Record, StoreError};

use crate::world::World;

type Hook = Box<dyn FnMut(u32) + Send>;

/// The ports of [`Custody`], as one process has them. Lets others have their turn before each call.
pub(crate) struct Meddler {
    store: Arc<MemoryKeys>,
    ring: Arc<MemoryRing>,
    calls: AtomicU32,
    /// The last call that is done; neither it nor any after it is answered.
    stop: Option<u32>,
    hooks: Mutex<HashMap<&'static str, (u32, Hook)>>,
}

impl Meddler {
    /// Another process of this installation.
    pub(crate) fn new(w: &World) -> Self {
        let (store, ring) = (w.memory.clone(), Arc::new(w.ring.of_another_process()));
        Self { store, ring, calls: AtomicU32::new(0), stop: None, hooks: Mutex::default() }
    }

    /// The process ends in its call of this number, which is done and not answered.
    pub(crate) fn stopped_at(w: &World, call: u32) -> Self {
        Self { stop: Some(call), ..Self::new(w) }
    }

    /// What happens before each call of this method, which is told its number.
    pub(crate) fn before(self, method: &'static str, hook: impl FnMut(u32) + Send + 'static) -> Self {
        self.hooks.lock().unwrap().insert(method, (0, Box::new(hook)));
        self
    }

    pub(crate) fn custody(self, w: &World) -> Custody {
        let me = Arc::new(self);
        Custody::new(me.clone(), me, w.ambient.clone())
    }

    async fn step<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        tokio::task::yield_now().await;
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let stopped = || Err(StoreError::unavailable("the process was stopped"));
        if self.stop.is_some_and(|last| number > last) {
            return stopped();
        }
        if let Some((count, hook)) = self.hooks.lock().unwrap().get_mut(method) {
            hook(*count);
            *count += 1;
        }
        let answer = call.await;
        if self.stop == Some(number) { stopped() } else { answer }
    }
}

#[async_trait]
impl CustodyStore for Meddler {
    async fn known(&self) -> Result<Vec<KnownMasterKey>, StoreError> {
        self.step("known", self.store.known()).await
    }

    async fn register(&self, id: &MasterKeyId, check: &[u8; 16], record: &Record) -> Result<bool, StoreError> {
        self.step("register", self.store.register(id, check, record)).await
    }

    async fn sealed_otherwise(
        &self,
        than: &MasterKeyId,
        after: Option<ProviderKeyId>,
        limit: u32,
    ) -> Result<Vec<ProviderKey>, StoreError> {
        self.step("sealed_otherwise", self.store.sealed_otherwise(than, after, limit)).await
    }

    async fn rewrap(&self, keys: &[Rewrapped], under: &MasterKeyId, check: &[u8; 16]) -> Result<u64, StoreError> {
        self.step("rewrap", self.store.rewrap(keys, under, check)).await
    }

    async fn rotated(&self, record: &Record) -> Result<(), StoreError> {
        self.step("rotated", self.store.rotated(record)).await
    }

    async fn retire(&self, id: &MasterKeyId, record: &Record) -> Result<Retired, StoreError> {
        self.step("retire", self.store.retire(id, record)).await
    }
}

#[async_trait]
impl RingHolder for Meddler {
    fn ring(&self) -> Arc<KeyRing> {
        self.ring.ring()
    }

    async fn reread(&self) -> Result<Arc<KeyRing>, StoreError> {
        self.step("reread", self.ring.reread()).await
    }

    async fn replace(&self, read: &KeyRing, ring: &KeyRing) -> Result<bool, StoreError> {
        self.step("replace", self.ring.replace(read, ring)).await
    }
}
