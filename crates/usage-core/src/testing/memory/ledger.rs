use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;
use kernel::{OrgId, Period, Record, ReservationId, StoreError, Timestamp, UserId};

use super::{MemoryUsage, Row, State};
use crate::policy::counts;
use crate::{Admitted, Draft, Entry, EntryKind, EventId, Held, Hold, Ledger, Quantity, Released, Settled, Tally};

impl State {
    fn admit(&mut self, draft: &Draft) -> Admitted {
        if !self.is_active(draft.org) {
            return Admitted::NoOrg;
        }
        let now = draft.received_at;
        let known = self.rows.iter().find(|row| row.org == draft.org && row.entry.event == draft.event);
        if let Some(known) = known {
            let same = known.fingerprint == Some(draft.fingerprint());
            let today = self.tally(draft.org, draft.user, now, now).filter(|_| same);
            return today.map_or(Admitted::Conflict, Admitted::Duplicate);
        }
        if !self.tenant(draft.org).is_some_and(|tenant| counts(draft.occurred_at, now, tenant.made)) {
            return Admitted::OutOfTime;
        }
        let tally = |state: &Self| state.tally(draft.org, draft.user, draft.at(), now);
        let Some(before) = tally(self) else { return Admitted::NoOrg };
        if let Some((wall, _)) = before.wall(draft.quantity.get()) {
            return Admitted::OverLimit(wall, before);
        }
        self.rows.push(row(draft));
        tally(self).map_or(Admitted::NoOrg, Admitted::Recorded)
    }

    /// The sums that a reset has to take back, with the time of the last row of each: by user and day, the hours of today that belong
    /// to the month before apart.
    fn to_compensate(&self, org: OrgId, month: Period, day: Period) -> Vec<(Option<UserId>, i64, Timestamp)> {
        let mut sums = BTreeMap::<(Option<UserId>, NaiveDate, bool), (i64, Timestamp)>::new();
        for Row { entry, .. } in self.rows.iter().filter(|row| row.org == org) {
            let at = entry.occurred_at;
            if month.contains(at) || day.contains(at) {
                let (sum, last) = sums.entry((entry.user, at.date_naive(), month.contains(at))).or_insert((0, at));
                *sum += entry.quantity;
                *last = at.max(*last);
            }
        }
        sums.into_iter().filter(|(_, (sum, _))| *sum != 0).map(|((user, ..), (sum, last))| (user, sum, last)).collect()
    }
}

fn row(draft: &Draft) -> Row {
    let entry = Entry {
        event: draft.event.clone(),
        kind: EntryKind::Call,
        user: draft.user,
        service: Some(draft.service.clone()),
        action: draft.action.clone(),
        quantity: i64::try_from(draft.quantity.get()).unwrap_or(i64::MAX),
        occurred_at: draft.at(),
        recorded_at: draft.received_at,
    };
    Row { org: draft.org, entry, fingerprint: Some(draft.fingerprint()) }
}

#[async_trait]
impl Ledger for MemoryUsage {
    async fn admit(&self, drafts: &[Draft]) -> Result<Vec<Admitted>, StoreError> {
        let mut state = self.state()?;
        Ok(drafts.iter().map(|draft| state.admit(draft)).collect())
    }

    async fn hold(&self, hold: &Hold) -> Result<Held, StoreError> {
        Ok(self.state()?.hold(hold))
    }

    async fn settle(
        &self,
        org: OrgId,
        id: ReservationId,
        quantity: Quantity,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        Ok(self.state()?.settle(org, id, quantity, now))
    }

    async fn release(&self, org: OrgId, id: ReservationId, _now: Timestamp) -> Result<Released, StoreError> {
        Ok(self.state()?.release(org, id))
    }

    async fn expire(&self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        Ok(self.state()?.expire(now, most))
    }

    async fn reset(&self, org: OrgId, record: &Record) -> Result<Option<Tally>, StoreError> {
        let mut state = self.state()?;
        let Some(before) = state.tally(org, None, record.at, record.at) else { return Ok(None) };
        self.trail.keep(record)?;
        let sums = state.to_compensate(org, before.month.period, before.day.period);
        for (number, (user, sum, last)) in sums.into_iter().enumerate() {
            let entry = Entry {
                event: EventId::of_reset(record.id, number),
                kind: EntryKind::Reset,
                user,
                service: None,
                action: None,
                quantity: -sum,
                occurred_at: last,
                recorded_at: record.at,
            };
            state.rows.push(Row { org, entry, fingerprint: None });
        }
        Ok(state.tally(org, None, record.at, record.at))
    }
}
