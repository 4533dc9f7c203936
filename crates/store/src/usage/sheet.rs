//! The counters of a transaction, in memory.
use std::collections::{BTreeSet, HashMap};

use kernel::{Limit, Period, StoreError};
use sea_orm::ConnectionTrait;
use usage_core::{Count, Tally, Wall};

use super::key::{CounterKey, Keys, Payer};
use super::row;
use super::standing::Terms;
use crate::error::Failure;
use crate::value::number;

/// The most that a counter can say.
const MOST: u64 = i64::MAX.unsigned_abs();

/// One counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) used: i64,
    pub(crate) reserved: i64,
    moved: bool,
}

impl Line {
    pub(crate) const fn new(used: i64, reserved: i64) -> Self {
        Self { used, reserved, moved: false }
    }
}

/// Counters as they will be when the transaction ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sheet(HashMap<CounterKey, Line>);

impl Sheet {
    /// Reads those of these counters that were not read yet. The organizations are locked.
    pub(crate) async fn load(
        &mut self,
        db: &impl ConnectionTrait,
        keys: impl IntoIterator<Item = CounterKey>,
    ) -> Result<(), Failure> {
        let missing: BTreeSet<CounterKey> = keys.into_iter().filter(|key| !self.0.contains_key(key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<CounterKey> = missing.into_iter().collect();
        self.0.extend(missing.iter().map(|key| (*key, Line::default())));
        for (place, line) in row::counters(db, &missing).await? {
            if let Some(key) = missing.get(place) {
                self.0.insert(*key, line);
            }
        }
        Ok(())
    }

    /// The organizations of which something is held.
    pub(crate) fn holding(&self) -> BTreeSet<uuid::Uuid> {
        self.0.iter().filter(|(_, line)| line.reserved != 0).map(|(key, _)| key.org).collect()
    }

    /// What was moved.
    pub(crate) fn moved(&self) -> Vec<(CounterKey, Line)> {
        let mut moved: Vec<_> = self.0.iter().filter(|(_, line)| line.moved).map(|(key, line)| (*key, *line)).collect();
        moved.sort_unstable_by_key(|(key, _)| *key);
        moved
    }

    /// Moves a counter. A number that would go below zero, which only a wrong row can do, stays at zero, and verification tells.
    pub(crate) fn add(&mut self, key: CounterKey, used: i64, reserved: i64) {
        let line = self.0.entry(key).or_default();
        line.used = line.used.saturating_add(used).max(0);
        line.reserved = line.reserved.saturating_add(reserved).max(0);
        line.moved = true;
    }

    /// Moves all counters of a call.
    pub(crate) fn add_all(&mut self, keys: Keys, used: i64, reserved: i64) {
        for key in keys.each() {
            self.add(key, used, reserved);
        }
    }

    fn count(&self, key: CounterKey, limit: Limit, period: Period) -> Result<Count, StoreError> {
        let line = self.0.get(&key).copied().unwrap_or_default();
        let used = number("usage_counter.used", line.used)?;
        Ok(Count { used, reserved: number("usage_counter.reserved", line.reserved)?, limit, period })
    }

    /// Where a payer stands.
    pub(crate) fn tally(&self, payer: &Payer, terms: &Terms) -> Result<Tally, StoreError> {
        let keys = payer.keys();
        let user = keys.user.map(|key| self.count(key, terms.per_user, payer.month));
        Ok(Tally {
            tier: terms.tier.clone(),
            month: self.count(keys.month, terms.monthly, payer.month)?,
            day: self.count(keys.day, terms.daily, payer.day)?,
            user: user.transpose()?,
        })
    }
}

/// The limit that `more` does not fit under. What a counter cannot say does not fit either, whatever the limit.
pub(crate) fn wall(tally: &Tally, more: u64) -> Option<Wall> {
    let beyond = |wall: &Wall| {
        let count = tally.count(*wall);
        count.is_some_and(|count| !Limit::Of(MOST).admits(count.used.saturating_add(count.reserved), more))
    };
    usage_core::policy::wall(tally, more).or_else(|| Wall::ALL.into_iter().find(beyond))
}
