use std::cmp::Reverse;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use kernel::testing::MemoryTrail;
use kernel::{Page, Paged, Record, StoreError};

use super::Recorder;
use crate::policy::{MAX_METADATA_VALUE, truncated};
use crate::{Entry, TrailFilter, TrailStore};

/// [`TrailStore`] in memory, and the [`Recorder`] that fills it.
#[derive(Default)]
pub struct MemoryAudit {
    entries: Mutex<Vec<Entry>>,
    trail: MemoryTrail,
}

impl MemoryAudit {
    /// Nothing happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on nothing can be read.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }
}

fn entry(record: &Record) -> Entry {
    let actor = &record.actor;
    Entry {
        id: record.id,
        at: record.at,
        org: record.org,
        user: actor.user_id(),
        actor_type: actor.kind.as_str().to_owned(),
        ip: actor.ip.map(|ip| ip.to_string()),
        user_agent: actor.user_agent.clone(),
        action: record.action.as_str().to_owned(),
        resource_type: record.resource.kind.to_owned(),
        resource_id: record.resource.id.clone(),
        result: record.outcome.as_str().to_owned(),
        metadata: record
            .metadata
            .iter()
            .map(|(key, value)| ((*key).to_owned(), truncated(value, MAX_METADATA_VALUE)))
            .collect(),
        session: actor.session.clone(),
        request_id: actor.request_id.clone(),
    }
}

fn matches(filter: &TrailFilter, entry: &Entry) -> bool {
    filter.org.is_none_or(|org| entry.org == Some(org))
        && filter.user.is_none_or(|user| entry.user == Some(user))
        && filter.action.as_ref().is_none_or(|action| entry.action == *action)
}

#[async_trait]
impl Recorder for MemoryAudit {
    async fn keep(&self, record: &Record) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry(record));
    }
}

#[async_trait]
impl TrailStore for MemoryAudit {
    async fn page(&self, filter: &TrailFilter, page: Page) -> Result<Paged<Entry>, StoreError> {
        self.trail.up()?;
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = entries.iter().filter(|entry| matches(filter, entry)).cloned().collect();
        found.sort_by_key(|entry| Reverse((entry.at, entry.id)));
        let at = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let items = found.into_iter().skip(at(page.offset())).take(at(page.limit())).collect();
        Ok(Paged { items, total, page })
    }
}
