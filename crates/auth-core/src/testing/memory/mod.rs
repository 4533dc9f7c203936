mod api_keys;
pub(super) mod hasher;
mod links;
mod sessions;
mod standings;
mod throttle;
mod users;
mod world;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::testing::MemoryTrail;
use kernel::{OrgId, Record, Role, StoreError, Timestamp, TokenHash, UserId};
use secrecy::SecretString;

use crate::{ApiKey, Session, User};

/// Every store of this crate in memory: [`UserStore`](crate::UserStore), [`Standings`](crate::Standings),
/// [`SessionStore`](crate::SessionStore), [`LinkStore`](crate::LinkStore), [`Throttle`](crate::Throttle) and
/// [`ApiKeyStore`](crate::ApiKeyStore), as one transaction each.
#[derive(Default)]
pub struct MemoryAuth {
    state: Mutex<State>,
    trail: MemoryTrail,
}

#[derive(Default)]
struct State {
    accounts: BTreeMap<UserId, Account>,
    orgs: BTreeMap<OrgId, bool>,
    seats: Vec<Seat>,
    sessions: Vec<KeptSession>,
    links: HashMap<TokenHash, (UserId, Timestamp)>,
    steady: HashMap<String, Timestamp>,
    doubling: HashMap<String, (Timestamp, Duration)>,
    api_keys: Vec<(TokenHash, ApiKey)>,
    platform_epoch: i64,
}

struct Account {
    user: User,
    hash: Option<SecretString>,
    epoch: i64,
    devices: HashSet<TokenHash>,
    home: Option<OrgId>,
}

/// A membership; it stays, inactive, when the member is removed, so that its epoch never repeats.
struct Seat {
    org: OrgId,
    user: UserId,
    role: Role,
    joined: Timestamp,
    epoch: i64,
    active: bool,
}

struct KeptSession {
    key: TokenHash,
    session: Session,
    last_seen: Timestamp,
}

impl MemoryAuth {
    /// Nobody, nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records of all changes so far, the first first.
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

    /// Ends every session of everybody, as an operator can.
    pub fn move_platform_epoch(&self) {
        self.lock().platform_epoch += 1;
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
    fn seat(&self, org: OrgId, user: UserId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.org == org && seat.user == user && seat.active)
    }

    fn org_active(&self, org: OrgId) -> bool {
        self.orgs.get(&org).copied().unwrap_or(false)
    }

    fn enabled(&self, user: UserId) -> bool {
        self.accounts.get(&user).is_some_and(|account| account.user.enabled)
    }

    /// Whether an active organization has this user as its only owner with an enabled account.
    fn is_last_owner(&self, user: UserId) -> bool {
        let owners =
            |org| self.seats.iter().filter(move |seat| seat.org == org && seat.active && seat.role == Role::Owner);
        self.orgs.keys().filter(|org| self.org_active(**org)).any(|org| {
            owners(*org).any(|seat| seat.user == user)
                && !owners(*org).any(|seat| seat.user != user && self.enabled(seat.user))
        })
    }
}
