use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{Record, RecordId, StoreError};

/// Looks into the trail that a store under test writes, so that a contract can prove "a change carries its record, or does not
/// happen".
#[async_trait]
pub trait KeptRecords: Send + Sync {
    /// Whether the trail keeps this record.
    async fn kept(&self, record: RecordId) -> bool;
}

/// The trail of an in-memory double: the records that it was given, and two ways to fail.
#[derive(Debug, Default)]
pub struct MemoryTrail {
    records: Mutex<Vec<Record>>,
    refusing: AtomicBool,
    down: AtomicBool,
}

impl MemoryTrail {
    /// The records of all changes so far, the first first.
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a change with this record was made.
    pub fn has(&self, record: RecordId) -> bool {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|kept| kept.id == record)
    }

    /// From now on every change fails, and leaves everything as it was, as if the audit table were locked.
    pub fn refuse_records(&self, refuse: bool) {
        self.refusing.store(refuse, Ordering::SeqCst);
    }

    /// From now on every method fails, reads included.
    pub fn break_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// For doubles: the first step of every method.
    pub fn up(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) { Err(StoreError::unavailable("the double is down")) } else { Ok(()) }
    }

    /// For doubles: the last step before a change is made, once it is decided.
    pub fn keep(&self, record: &Record) -> Result<(), StoreError> {
        if self.refusing.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the double keeps no records"));
        }
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
        Ok(())
    }
}

/// Runs `n` attempts at once on this task: they interleave wherever a store awaits. The answers are in the order of the attempts.
pub async fn race<F: Future>(n: usize, attempt: impl FnMut(usize) -> F) -> Vec<F::Output> {
    join_all((0..n).map(attempt)).await
}
