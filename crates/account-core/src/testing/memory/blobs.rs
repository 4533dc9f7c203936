use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::StoreError;

use crate::BlobStore;

/// [`BlobStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    calls_left: Mutex<Option<u32>>,
}

impl MemoryBlobs {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of all files, sorted.
    pub fn names(&self) -> Vec<String> {
        lock(&self.files).keys().cloned().collect()
    }

    /// After this many more calls every call fails; `None` heals it.
    pub fn fail_after(&self, calls: Option<u32>) {
        *lock(&self.calls_left) = calls;
    }

    fn files(&self) -> Result<MutexGuard<'_, BTreeMap<String, Vec<u8>>>, StoreError> {
        if let Some(left) = lock(&self.calls_left).as_mut() {
            *left = left.checked_sub(1).ok_or_else(|| StoreError::unavailable("the double is down"))?;
        }
        Ok(lock(&self.files))
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.files()?.insert(name.to_owned(), bytes);
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.files()?.get(name).cloned())
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.files()?.remove(name);
        Ok(())
    }
}
