mod answers;
mod stores;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::testing::MemoryTrail;
use kernel::{Email, OrgId, Record, ServiceName, StoreError, Timestamp, UserId};

use crate::{Call, Catalogue, Check, QuotaStanding, Subscription};

/// Every port of this crate in memory: [`CatalogueStore`](crate::CatalogueStore), [`SubscriptionStore`](crate::SubscriptionStore),
/// [`Quotas`](crate::Quotas), [`Rates`](crate::Rates) and [`OwnKeys`](crate::OwnKeys).
#[derive(Default)]
pub struct MemoryPlans {
    state: Mutex<State>,
    trail: MemoryTrail,
}

#[derive(Default)]
struct State {
    catalogue: Option<Arc<Catalogue>>,
    accounts: BTreeMap<UserId, Email>,
    orgs: BTreeMap<OrgId, Org>,
    subscriptions: BTreeMap<OrgId, Subscription>,
    standings: BTreeMap<OrgId, QuotaStanding>,
    /// What is known of standings that have changed since.
    known: BTreeMap<OrgId, QuotaStanding>,
    /// Until when nothing more is held.
    crowded_until: Option<Timestamp>,
    holds: Vec<(Call, u32)>,
    /// Until when no call fits.
    full_until: Option<Timestamp>,
    takes: u64,
    keys: HashSet<(OrgId, ServiceName)>,
    failing: HashSet<Check>,
    rivals: u32,
}

struct Org {
    owner: UserId,
    created_at: Timestamp,
    suspended: bool,
    deleted: bool,
}

impl MemoryPlans {
    /// No plans, no organizations.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this catalogue.
    pub fn with(catalogue: Catalogue) -> Self {
        let memory = Self::default();
        memory.lock().catalogue = Some(Arc::new(catalogue));
        memory
    }

    /// The records of all changes so far, the first first.
    pub fn records(&self) -> Vec<Record> {
        self.trail.records()
    }

    /// From now on every change fails, and leaves everything as it was.
    pub fn refuse_records(&self, refuse: bool) {
        self.trail.refuse_records(refuse);
    }

    /// From now on every method fails, reads included.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }

    /// From now on the ports of one check cannot be reached. Both quotas have one port: either name stands for it.
    pub fn fail(&self, check: Check, down: bool) {
        let check = if check == Check::UserQuota { Check::OrgQuota } else { check };
        let mut state = self.lock();
        if down {
            state.failing.insert(check)
        } else {
            state.failing.remove(&check)
        };
    }

    /// The next so many changes of a subscription or a plan find that somebody else was faster.
    pub fn let_rivals_win(&self, times: u32) {
        self.lock().rivals = times;
    }

    /// Where an organization, and each of its users, stands against its quotas. Without this there is no limit.
    pub fn set_standing(&self, org: OrgId, standing: QuotaStanding) {
        self.lock().standings.insert(org, standing);
    }

    /// From now on this is what is known of an organization's standing, whatever it is by now.
    pub fn set_known(&self, org: OrgId, standing: QuotaStanding) {
        self.lock().known.insert(org, standing);
    }

    /// From now on there are too many reservations for one more before this time.
    pub fn set_crowded_until(&self, again: Option<Timestamp>) {
        self.lock().crowded_until = again;
    }

    /// What was held, the first first, and for how many seconds.
    pub fn holds(&self) -> Vec<(Call, u32)> {
        self.lock().holds.clone()
    }

    /// From now on no call fits before this time.
    pub fn set_full_until(&self, again: Option<Timestamp>) {
        self.lock().full_until = again;
    }

    /// How many calls the rate limit was asked about.
    pub fn takes(&self) -> u64 {
        self.lock().takes
    }

    /// From now on the organization has a key of its own for the provider behind this service.
    pub fn bring_key(&self, org: OrgId, service: &ServiceName) {
        self.lock().keys.insert((org, service.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, check: Check) -> Result<MutexGuard<'_, State>, StoreError> {
        self.trail.up()?;
        let state = self.lock();
        if state.failing.contains(&check) { Err(StoreError::unavailable("the double is down")) } else { Ok(state) }
    }
}

impl State {
    fn plans(&self) -> Arc<Catalogue> {
        self.catalogue.clone().unwrap_or_else(|| Arc::new(Catalogue::new(Vec::new(), Vec::new())))
    }

    fn org(&self, org: OrgId) -> Option<&Org> {
        self.orgs.get(&org).filter(|found| !found.deleted)
    }

    /// Whether the change that is under way loses against one that nobody sees.
    fn rival_wins(&mut self) -> bool {
        let wins = self.rivals > 0;
        self.rivals = self.rivals.saturating_sub(1);
        wins
    }
}
