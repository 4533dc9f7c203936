use async_trait::async_trait;
use kernel::{Page, Paged, Record, StoreError, Timestamp};

use super::{MemoryBilling, Work, at_most};
use crate::{ClaimedEvent, EventEntry, EventKey, InboundEvent, Inbox, Received, WorkState};

#[async_trait]
impl Inbox for MemoryBilling {
    async fn receive(&self, event: &InboundEvent) -> Result<Received, StoreError> {
        let mut state = self.state()?;
        let key = EventKey { provider: event.provider, id: event.id.clone() };
        if state.events.contains_key(&key) {
            return Ok(Received::Duplicate);
        }
        state.events.insert(key, (event.clone(), Work::new(event.received_at, 0)));
        Ok(Received::New)
    }

    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<ClaimedEvent>, StoreError> {
        let mut state = self.state()?;
        let mut due: Vec<&mut (InboundEvent, Work)> =
            state.events.values_mut().filter(|(_, work)| work.is_due(now)).collect();
        due.sort_by(|(one, mine), (other, its)| {
            (mine.next_at, one.received_at, &one.id).cmp(&(its.next_at, other.received_at, &other.id))
        });
        due.truncate(at_most(limit));
        let claim = |(event, work): &mut (InboundEvent, Work)| {
            work.leased_until = Some(until);
            ClaimedEvent { event: event.clone(), attempts: work.attempts }
        };
        Ok(due.into_iter().map(claim).collect())
    }

    async fn ignore(&self, key: &EventKey, _now: Timestamp) -> Result<(), StoreError> {
        if let Some((_, work)) = self.state()?.events.get_mut(key) {
            work.end(WorkState::Ignored);
        }
        Ok(())
    }

    async fn fail(
        &self,
        key: &EventKey,
        attempts: u32,
        next_at: Option<Timestamp>,
        error: &str,
    ) -> Result<(), StoreError> {
        if let Some((_, work)) = self.state()?.events.get_mut(key) {
            work.fail(attempts, next_at, error);
        }
        Ok(())
    }

    async fn list(&self, wanted: Option<WorkState>, page: Page) -> Result<Paged<EventEntry>, StoreError> {
        let state = self.state()?;
        let found = state.events.iter().filter(|(_, (_, work))| wanted.is_none_or(|wanted| work.state == wanted));
        let entry = |(key, (event, work)): (&EventKey, &(InboundEvent, Work))| EventEntry {
            key: key.clone(),
            kind: event.kind.clone(),
            org: work.org,
            received_at: event.received_at,
            state: work.state,
            attempts: work.attempts,
            next_at: work.next_at,
            error: work.error.clone(),
        };
        let mut found: Vec<EventEntry> = found.map(entry).collect();
        found.sort_by(|one, other| (other.received_at, &other.key.id).cmp(&(one.received_at, &one.key.id)));
        let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let items = found.into_iter().skip(at_most(page.offset())).take(at_most(page.limit())).collect();
        Ok(Paged { items, total, page })
    }

    async fn replay(&self, key: &EventKey, record: &Record) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let Some((_, work)) = state.events.get_mut(key) else { return Ok(false) };
        if !work.is_pending() {
            self.trail.keep(record)?;
            *work = Work { error: work.error.clone(), org: work.org, ..Work::new(record.at, 0) };
        }
        Ok(true)
    }
}
