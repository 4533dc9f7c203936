use async_trait::async_trait;
use kernel::testing::{KeptRecords, ManualClock};
use kernel::{Ambient, Clock, OrgId, RecordId, ReservationId, Timestamp, UserId};

use super::{Fate, MemoryUsage, Reservation, Standing, Tenant};
use crate::testing::{Passing, World};
use crate::{Allowance, Hold};

impl MemoryUsage {
    /// Makes an organization known, or gives it another allowance: for programs whose organizations are made elsewhere.
    pub fn set_allowance(&self, org: OrgId, allowance: &Allowance) {
        let mut state = self.lock();
        let before = state.orgs.get(&org);
        let standing = before.map_or(Standing::Active, |tenant| tenant.standing);
        let made = before.map_or(Timestamp::MIN_UTC, |tenant| tenant.made);
        state.orgs.insert(org, Tenant { allowance: allowance.clone(), made, standing });
    }

    fn stand(&self, org: OrgId, standing: Standing) {
        if let Some(tenant) = self.lock().orgs.get_mut(&org) {
            tenant.standing = standing;
        }
    }
}

#[async_trait]
impl KeptRecords for MemoryUsage {
    async fn kept(&self, record: RecordId) -> bool {
        self.trail.has(record)
    }
}

#[async_trait]
impl World for MemoryUsage {
    async fn org(&self, allowance: &Allowance) -> OrgId {
        let org = OrgId::mint(&Ambient::system());
        self.set_allowance(org, allowance);
        org
    }

    async fn allow(&self, org: OrgId, allowance: &Allowance) {
        self.set_allowance(org, allowance);
    }

    async fn made(&self, org: OrgId, at: Timestamp) {
        if let Some(tenant) = self.lock().orgs.get_mut(&org) {
            tenant.made = at;
        }
    }

    async fn suspend(&self, org: OrgId) {
        self.stand(org, Standing::Suspended);
    }

    async fn delete(&self, org: OrgId) {
        self.stand(org, Standing::Deleted);
    }

    async fn user(&self) -> UserId {
        UserId::mint(&Ambient::system())
    }

    async fn hold_more(&self, hold: &Hold, times: u32) {
        let more = |_| Reservation {
            hold: Hold { id: ReservationId::mint(&Ambient::system()), ..hold.clone() },
            fate: Fate::Open,
        };
        self.lock().reservations.extend((0..times).map(more));
    }

    async fn falsify(&self, org: OrgId, at: Timestamp, by: u64) {
        self.lock().falsified.push((org, at, by));
    }
}

#[async_trait]
impl Passing for ManualClock {
    async fn now(&self) -> Timestamp {
        Clock::now(self)
    }

    async fn pass(&self, time: std::time::Duration) {
        self.advance(time);
    }
}
