mod inbox;
mod invoices;
mod outbox;
mod post;
mod store;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::testing::{KeptRecords, MemoryTrail};
use kernel::{Ambient, OrgId, Record, RecordId, StoreError, TaskId, Timestamp};

use super::world::{Entitled, Giver, World};
use crate::{Account, Command, EventKey, InboundEvent, Invoice, Movement, WorkState};

/// [`BillingStore`](crate::BillingStore), [`InvoiceStore`](crate::InvoiceStore), [`Inbox`](crate::Inbox) and
/// [`Outbox`](crate::Outbox) in memory, and the plans that organizations are on.
#[derive(Default)]
pub struct MemoryBilling {
    state: Mutex<State>,
    trail: MemoryTrail,
}

/// Cloned before a change that may be refused half-way.
#[derive(Clone, Default)]
struct State {
    /// Whether it is deleted.
    orgs: BTreeMap<OrgId, bool>,
    accounts: BTreeMap<OrgId, (Account, Option<Timestamp>)>,
    /// With the level of the plan.
    entitled: BTreeMap<OrgId, (Entitled, u8)>,
    movements: Vec<Movement>,
    invoices: Vec<Invoice>,
    series: BTreeMap<String, u64>,
    events: BTreeMap<EventKey, (InboundEvent, Work)>,
    tasks: BTreeMap<TaskId, (OrgId, Command, Work)>,
    rivals: u32,
}

/// Where an event or a command stands.
#[derive(Clone)]
struct Work {
    state: WorkState,
    attempts: u32,
    next_at: Option<Timestamp>,
    leased_until: Option<Timestamp>,
    error: Option<String>,
    org: Option<OrgId>,
}

impl Work {
    const fn new(at: Timestamp, attempts: u32) -> Self {
        Self { state: WorkState::Pending, attempts, next_at: Some(at), leased_until: None, error: None, org: None }
    }

    fn is_pending(&self) -> bool {
        self.state == WorkState::Pending
    }

    /// Whether nobody works on it.
    fn is_free(&self, now: Timestamp) -> bool {
        self.is_pending() && self.leased_until.is_none_or(|until| until <= now)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.is_free(now) && self.next_at.is_some_and(|at| at <= now)
    }

    /// It is over; `false` when it was before.
    fn end(&mut self, state: WorkState) -> bool {
        let was_pending = self.is_pending();
        if was_pending {
            (self.state, self.next_at, self.leased_until) = (state, None, None);
        }
        was_pending
    }

    fn fail(&mut self, attempts: u32, next_at: Option<Timestamp>, error: &str) {
        if self.is_pending() {
            self.state = if next_at.is_some() { WorkState::Pending } else { WorkState::Dead };
            (self.attempts, self.next_at, self.leased_until) = (attempts, next_at, None);
            self.error = Some(error.to_owned());
        }
    }
}

impl MemoryBilling {
    /// No organizations, and nothing known of their money.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an organization known.
    pub fn add_org(&self, org: OrgId) {
        self.lock().orgs.insert(org, false);
    }

    /// Which plan the organization is on, if it was ever moved.
    pub fn entitled_now(&self, org: OrgId) -> Option<Entitled> {
        self.lock().entitled.get(&org).map(|(entitled, _)| entitled.clone())
    }

    /// The records of all changes so far, the first first.
    pub fn records(&self) -> Vec<Record> {
        self.trail.records()
    }

    /// From now on every change that has a record fails, and leaves everything as it was.
    pub fn refuse_records(&self, refuse: bool) {
        self.trail.refuse_records(refuse);
    }

    /// From now on every method fails, reads included.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }

    /// The next so many postings find that somebody else was faster.
    pub fn let_rivals_win(&self, times: u32) {
        self.lock().rivals = times;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        self.trail.up()?;
        Ok(self.lock())
    }
}

impl State {
    fn lives(&self, org: OrgId) -> bool {
        self.orgs.get(&org).is_some_and(|deleted| !deleted)
    }
}

fn at_most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[async_trait]
impl KeptRecords for MemoryBilling {
    async fn kept(&self, record: RecordId) -> bool {
        self.trail.has(record)
    }
}

#[async_trait]
impl World for MemoryBilling {
    async fn org(&self) -> OrgId {
        let org = OrgId::mint(&Ambient::system());
        self.add_org(org);
        org
    }

    async fn delete(&self, org: OrgId) {
        self.lock().orgs.insert(org, true);
    }

    async fn give(&self, org: OrgId, giver: Giver, plan: (&str, u8), trial_ends_at: Option<Timestamp>) {
        let mut state = self.lock();
        let version = state.entitled.get(&org).map_or(0, |(entitled, _)| entitled.version);
        let gift = Entitled {
            plan: plan.0.to_owned(),
            status: if trial_ends_at.is_some() { "trialing" } else { "active" }.to_owned(),
            source: giver.as_str().to_owned(),
            anchor: Timestamp::default(),
            trial_ends_at,
            version: version + 1,
        };
        state.entitled.insert(org, (gift, plan.1));
    }

    async fn pause(&self, org: OrgId) {
        let never_moved = Entitled {
            plan: "free".to_owned(),
            status: String::new(),
            source: "default".to_owned(),
            anchor: Timestamp::default(),
            trial_ends_at: None,
            version: 0,
        };
        let mut state = self.lock();
        let (entitled, _) = state.entitled.entry(org).or_insert((never_moved, 0));
        "suspended".clone_into(&mut entitled.status);
        entitled.version += 1;
    }

    async fn entitled(&self, org: OrgId) -> Option<Entitled> {
        self.entitled_now(org)
    }
}
