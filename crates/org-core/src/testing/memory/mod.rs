mod answers;
mod invitations;
mod members;
mod orgs;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::testing::MemoryTrail;
use kernel::{Email, OrgId, Record, Role, StoreError, Timestamp, TokenHash, UserId};

use crate::policy::reaches;
use crate::{Entitlement, Invitation, InvitationToken, Org, OrgStatus, Permission};

/// Every port of this crate in memory: [`OrgStore`](crate::OrgStore), [`MemberStore`](crate::MemberStore),
/// [`InvitationStore`](crate::InvitationStore), [`People`](crate::People), [`Entitlements`](crate::Entitlements) and
/// [`InvitationMail`](crate::InvitationMail), as one transaction each.
#[derive(Default)]
pub struct MemoryOrgs {
    state: Mutex<State>,
    trail: MemoryTrail,
}

/// A mail that [`MemoryOrgs`] was asked to send.
#[derive(Debug, Clone)]
pub struct SentMail {
    /// What it invites to.
    pub invitation: Invitation,
    /// The secret in its link.
    pub token: InvitationToken,
    /// The organization's name in it.
    pub org_name: String,
    /// Who invites, in it.
    pub inviter: String,
}

#[derive(Default)]
struct State {
    accounts: BTreeMap<UserId, Account>,
    orgs: BTreeMap<OrgId, Org>,
    seats: Vec<Seat>,
    invitations: Vec<(TokenHash, Invitation)>,
    plans: HashMap<OrgId, Entitlement>,
    trials: HashMap<OrgId, Timestamp>,
    mails: Vec<SentMail>,
    mail_fails: bool,
}

struct Account {
    email: Email,
    verified: bool,
    enabled: bool,
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

impl MemoryOrgs {
    /// Nobody, nothing.
    pub fn new() -> Self {
        Self::default()
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

    /// From now on no mail leaves.
    pub fn fail_mails(&self, fail: bool) {
        self.lock().mail_fails = fail;
    }

    /// The mails that left, the first first.
    pub fn mails(&self) -> Vec<SentMail> {
        self.lock().mails.clone()
    }

    /// Gives an organization another plan than the free one of five seats.
    pub fn set_plan(&self, org: OrgId, plan: Entitlement) {
        self.lock().plans.insert(org, plan);
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
    /// The active memberships of an organization, the one who joined first first.
    fn members(&self, org: OrgId) -> Vec<&Seat> {
        let mut members: Vec<_> = self.seats.iter().filter(|seat| seat.org == org && seat.active).collect();
        members.sort_by_key(|seat| seat.joined);
        members
    }

    fn member(&self, org: OrgId, user: UserId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.org == org && seat.user == user && seat.active)
    }

    /// Whether the acting user, if they are or were a member, reaches these roles now. Who never was one acts by another right.
    fn caller_reaches(&self, org: OrgId, record: &Record, roles: &[Role]) -> bool {
        let caller = record.actor.user_id();
        let seat = self.seats.iter().find(|seat| seat.org == org && Some(seat.user) == caller);
        seat.is_none_or(|seat| seat.active && roles.iter().all(|role| reaches(seat.role, *role)))
    }

    /// The same for a permission.
    fn caller_holds(&self, org: OrgId, record: &Record, permission: Permission) -> bool {
        let caller = record.actor.user_id();
        let seat = self.seats.iter().find(|seat| seat.org == org && Some(seat.user) == caller);
        seat.is_none_or(|seat| seat.active && permission.held_by(seat.role))
    }

    fn enabled(&self, user: UserId) -> bool {
        self.accounts.get(&user).is_some_and(|account| account.enabled)
    }

    /// The active owners but for one user, the one who joined first first.
    fn owners_beside(&self, org: OrgId, user: Option<UserId>) -> Vec<&Seat> {
        let owns = |seat: &&Seat| seat.role == Role::Owner && Some(seat.user) != user && self.enabled(seat.user);
        self.members(org).into_iter().filter(owns).collect()
    }

    /// Whether an active organization would have no active owner without this one.
    fn needs(&self, org: OrgId, user: UserId) -> bool {
        let active = self.orgs.get(&org).is_some_and(|found| found.status == OrgStatus::Active);
        let owner = self.member(org, user).is_some_and(|seat| seat.role == Role::Owner);
        active && owner && self.owners_beside(org, Some(user)).is_empty()
    }

    fn open(&self, org: OrgId, now: Timestamp) -> Vec<&Invitation> {
        let invitations = self.invitations.iter().map(|(_, invitation)| invitation);
        invitations.filter(|invitation| invitation.org == org && now < invitation.expires_at).collect()
    }

    /// Whether members and open invitations leave a seat free.
    fn has_seat(&self, org: OrgId, seats: u32, now: Timestamp) -> bool {
        let taken = self.members(org).len() + self.open(org, now).len();
        u32::try_from(taken).is_ok_and(|taken| taken < seats)
    }

    /// Makes a user a member; the epoch of somebody who comes back is a new one.
    fn seat(&mut self, org: OrgId, user: UserId, role: Role, joined: Timestamp) {
        match self.seats.iter_mut().find(|seat| seat.org == org && seat.user == user) {
            Some(seat) => *seat = Seat { role, joined, epoch: seat.epoch + 1, active: true, ..*seat },
            None => self.seats.push(Seat { org, user, role, joined, epoch: 0, active: true }),
        }
    }

    /// Changes a membership and moves its epoch.
    fn reseat(&mut self, org: OrgId, user: UserId, change: impl FnOnce(&mut Seat)) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.org == org && seat.user == user) {
            change(seat);
            seat.epoch += 1;
        }
    }
}
