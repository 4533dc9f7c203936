mod books;
mod ledger;
mod limiter;
mod reservations;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::testing::MemoryTrail;
use kernel::{OrgId, Period, Record, StoreError, Timestamp, UserId};

use crate::{Allowance, Count, Entry, Hold, Quantity, Tally};

pub use self::limiter::MemoryLimiter;

/// [`Ledger`](crate::Ledger), [`UsageReader`](crate::UsageReader) and [`Bookkeeping`](crate::Bookkeeping) in memory, as one
/// transaction each: the naive model. There are rows, and every number is their sum.
#[derive(Default)]
pub struct MemoryUsage {
    state: Mutex<State>,
    trail: MemoryTrail,
    readings: AtomicU64,
}

#[derive(Default)]
struct State {
    orgs: BTreeMap<OrgId, Tenant>,
    rows: Vec<Row>,
    reservations: Vec<Reservation>,
    /// What a hand added to a month's counter behind the ledger's back.
    falsified: Vec<(OrgId, Timestamp, u64)>,
}

struct Tenant {
    allowance: Allowance,
    /// When it was made.
    made: Timestamp,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Active,
    Suspended,
    Deleted,
}

struct Row {
    org: OrgId,
    entry: Entry,
    /// What its draft was; a row without one is the ledger's own.
    fingerprint: Option<[u8; 32]>,
}

struct Reservation {
    hold: Hold,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Settled(Quantity),
    /// Given back: by hand, or because its time was over.
    Released,
}

/// What one counter counts: an organization or one user of it, in a period.
#[derive(Clone, Copy)]
struct Scope {
    org: OrgId,
    user: Option<UserId>,
    period: Period,
}

impl Scope {
    fn has(&self, org: OrgId, user: Option<UserId>, at: Timestamp) -> bool {
        self.org == org && (self.user.is_none() || self.user == user) && self.period.contains(at)
    }
}

impl MemoryUsage {
    /// Nobody, nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records of all changes so far that carry one, the first first.
    pub fn records(&self) -> Vec<Record> {
        self.trail.records()
    }

    /// From now on every change that carries a record fails, and leaves everything as it was.
    pub fn refuse_records(&self, refuse: bool) {
        self.trail.refuse_records(refuse);
    }

    /// From now on every method fails, reads included.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }

    /// How often the counts were read anew, as they are when nothing that was read a moment ago will do.
    pub fn readings(&self) -> u64 {
        self.readings.load(Relaxed)
    }

    /// How many reservations are neither settled nor given back.
    pub fn open_reservations(&self) -> usize {
        self.lock().reservations.iter().filter(|reservation| reservation.fate == Fate::Open).count()
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
    /// An organization that is not deleted.
    fn tenant(&self, org: OrgId) -> Option<&Tenant> {
        self.orgs.get(&org).filter(|tenant| tenant.standing != Standing::Deleted)
    }

    fn is_active(&self, org: OrgId) -> bool {
        self.tenant(org).is_some_and(|tenant| tenant.standing == Standing::Active)
    }

    fn used(&self, scope: Scope) -> i64 {
        let counted = |row: &&Row| scope.has(row.org, row.entry.user, row.entry.occurred_at);
        self.rows.iter().filter(counted).map(|row| row.entry.quantity).sum()
    }

    fn reserved(&self, scope: Scope, now: Timestamp) -> u64 {
        let open = self.reservations.iter().filter(|it| it.fate == Fate::Open && now < it.hold.expires_at);
        let held = open.map(|it| &it.hold).filter(|hold| scope.has(hold.org, hold.user, hold.at));
        held.map(|hold| hold.quantity.get()).sum()
    }

    fn count(&self, scope: Scope, limit: kernel::Limit, now: Timestamp) -> Count {
        let used = u64::try_from(self.used(scope)).unwrap_or(0);
        Count { used, reserved: self.reserved(scope, now), limit, period: scope.period }
    }

    /// The counts of the periods in which `at` lies, without what ran out by `now`.
    fn tally(&self, org: OrgId, user: Option<UserId>, at: Timestamp, now: Timestamp) -> Option<Tally> {
        let allowance = &self.tenant(org)?.allowance;
        let month = Period::month(allowance.anchor, at);
        let whole = |period| Scope { org, user: None, period };
        let mut counted = self.count(whole(month), allowance.monthly, now);
        let falsified = self.falsified.iter().filter(|(whose, at, _)| *whose == org && month.contains(*at));
        counted.used += falsified.map(|(_, _, by)| by).sum::<u64>();
        Some(Tally {
            tier: allowance.tier.clone(),
            month: counted,
            day: self.count(whole(Period::day(at)), allowance.daily, now),
            user: user.map(|user| self.count(Scope { org, user: Some(user), period: month }, allowance.per_user, now)),
        })
    }
}
