use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use kernel::{OrgId, Period, StoreError, Timestamp, UserId};

use super::{MemoryUsage, Row, Scope, State};
use crate::policy::start;
use crate::{Bookkeeping, Cursor, DayUsage, Days, Difference, Entry, EntryKind, Sum, Tally, UsageReader, Verification};

/// What was used on some days, by a part of each row.
fn sums<K: Ord>(state: &State, org: OrgId, days: Days, key: impl Fn(&Row) -> Option<K>) -> BTreeMap<K, Sum> {
    let mut sums = BTreeMap::<K, Sum>::new();
    for row in state.rows.iter().filter(|row| row.org == org && row.entry.kind != EntryKind::Reset) {
        if let Some(key) = key(row).filter(|_| days.contains(row.entry.occurred_at.date_naive())) {
            let sum = sums.entry(key).or_default();
            sum.events += 1;
            sum.quantity += row.entry.quantity.unsigned_abs();
        }
    }
    sums
}

#[async_trait]
impl UsageReader for MemoryUsage {
    async fn tally(&self, org: OrgId, user: Option<UserId>, now: Timestamp) -> Result<Option<Tally>, StoreError> {
        self.readings.fetch_add(1, Relaxed);
        self.recent_tally(org, user, now).await
    }

    async fn recent_tally(
        &self,
        org: OrgId,
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<Option<Tally>, StoreError> {
        Ok(self.state()?.tally(org, user, now, now))
    }

    async fn history(&self, org: OrgId, days: Days) -> Result<Vec<DayUsage>, StoreError> {
        let key = |row: &Row| row.entry.service.clone().map(|service| (row.entry.occurred_at.date_naive(), service));
        let sums = sums(&*self.state()?, org, days, key);
        let usage = |((day, service), Sum { events, quantity })| DayUsage { day, service, events, quantity };
        Ok(sums.into_iter().map(usage).collect())
    }

    async fn users(&self, org: OrgId, days: Days) -> Result<Vec<(Option<UserId>, Sum)>, StoreError> {
        Ok(sums(&*self.state()?, org, days, |row| Some(row.entry.user)).into_iter().collect())
    }

    async fn entries(
        &self,
        org: OrgId,
        days: Days,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let place = |entry: &Entry| (entry.recorded_at, entry.event.clone());
        let state = self.state()?;
        let theirs = state.rows.iter().filter(|row| row.org == org).map(|row| &row.entry);
        let asked = theirs.filter(|entry| days.contains(entry.occurred_at.date_naive()));
        let mut entries: Vec<Entry> =
            asked.filter(|entry| after.as_ref().is_none_or(|after| place(entry) > *after)).cloned().collect();
        entries.sort_by_key(place);
        entries.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(entries)
    }
}

#[async_trait]
impl Bookkeeping for MemoryUsage {
    async fn organizations(&self) -> Result<Vec<OrgId>, StoreError> {
        let orgs: BTreeSet<_> = self.state()?.rows.iter().map(|row| row.org).collect();
        Ok(orgs.into_iter().collect())
    }

    async fn verify(&self, org: OrgId) -> Result<Verification, StoreError> {
        let state = self.state()?;
        let entries = u64::try_from(state.rows.iter().filter(|row| row.org == org).count()).unwrap_or(u64::MAX);
        let mut differences = Vec::new();
        for (_, at, by) in state.falsified.iter().filter(|(whose, ..)| *whose == org) {
            let anchor = state.tenant(org).map_or(*at, |tenant| tenant.allowance.anchor);
            let period = Period::month(anchor, *at);
            let ledger = state.used(Scope { org, user: None, period });
            let counted = ledger.saturating_add_unsigned(*by);
            differences.push(Difference { org, what: format!("month {}", start(period.start)), counted, ledger });
        }
        Ok(Verification { organizations: 1, entries, differences })
    }

    async fn rebuild(&self, org: OrgId, _now: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.state()?;
        state.falsified.retain(|(whose, ..)| *whose != org);
        Ok(u64::try_from(state.rows.iter().filter(|row| row.org == org).count()).unwrap_or(u64::MAX))
    }
}
