use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, OrgId, RecordId, Role, Timestamp, UserId};

use super::{Account, MemoryAuth, Seat};
use crate::User;
use crate::testing::Population;

#[async_trait]
impl KeptRecords for MemoryAuth {
    async fn kept(&self, record: RecordId) -> bool {
        self.trail.has(record)
    }
}

#[async_trait]
impl Population for MemoryAuth {
    async fn account(&self, user: &User) {
        self.lock().accounts.insert(user.id, Account::new(user, None));
    }

    async fn org(&self, owner: UserId, at: Timestamp) -> OrgId {
        let mut state = self.lock();
        let org = OrgId::mint(&Ambient::system());
        state.orgs.insert(org, true);
        state.seats.push(Seat { org, user: owner, role: Role::Owner, joined: at, epoch: 0, active: true });
        org
    }

    async fn join(&self, org: OrgId, user: UserId, role: Role, at: Timestamp) {
        let mut state = self.lock();
        match state.seats.iter_mut().find(|seat| seat.org == org && seat.user == user) {
            Some(seat) => *seat = Seat { role, joined: at, epoch: seat.epoch + 1, active: true, ..*seat },
            None => state.seats.push(Seat { org, user, role, joined: at, epoch: 0, active: true }),
        }
    }

    async fn change_role(&self, org: OrgId, user: UserId, role: Role) {
        self.change_seat(org, user, |seat| seat.role = role);
    }

    async fn remove(&self, org: OrgId, user: UserId) {
        self.change_seat(org, user, |seat| seat.active = false);
    }

    async fn set_org_active(&self, org: OrgId, active: bool) {
        self.lock().orgs.insert(org, active);
    }
}

impl MemoryAuth {
    fn change_seat(&self, org: OrgId, user: UserId, change: impl Fn(&mut Seat)) {
        for seat in self.lock().seats.iter_mut().filter(|seat| seat.org == org && seat.user == user) {
            change(seat);
            seat.epoch += 1;
        }
    }
}
