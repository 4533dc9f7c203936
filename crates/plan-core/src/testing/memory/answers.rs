#![expect(clippy::expect_used, reason = "a test that gives a bad address fails by panicking")]

use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, Email, OrgId, RecordId, ReservationId, ServiceName, StoreError, Timestamp, UserId};

use super::{MemoryPlans, Org, State};
use crate::testing::Population;
use crate::{Call, Check, Held, OwnKeys, Pays, QuotaStanding, Quotas, Rates, Room};

#[async_trait]
impl KeptRecords for MemoryPlans {
    async fn kept(&self, record: RecordId) -> bool {
        self.trail.has(record)
    }
}

#[async_trait]
impl Population for MemoryPlans {
    async fn user(&self, email: &str) -> UserId {
        let user = UserId::mint(&Ambient::system());
        self.lock().accounts.insert(user, Email::parse(email).expect("an e-mail address"));
        user
    }

    async fn org(&self, owner: UserId, created_at: Timestamp) -> OrgId {
        let org = OrgId::mint(&Ambient::system());
        self.lock().orgs.insert(org, Org { owner, created_at, suspended: false, deleted: false });
        org
    }

    async fn join(&self, _org: OrgId, _user: UserId) {
        // This double knows owners only: who joins is nobody here.
    }

    async fn suspend(&self, org: OrgId) {
        if let Some(found) = self.lock().orgs.get_mut(&org) {
            found.suspended = true;
        }
    }

    async fn delete(&self, org: OrgId) {
        if let Some(found) = self.lock().orgs.get_mut(&org) {
            found.deleted = true;
        }
    }
}

impl State {
    fn standing(&self, org: OrgId) -> QuotaStanding {
        let endless = Room { left: None, unheld: None, ends_at: Timestamp::MAX_UTC };
        let anything =
            QuotaStanding { month: endless, day: endless, user: Some(endless), held_until: Timestamp::MAX_UTC };
        self.standings.get(&org).copied().unwrap_or(anything)
    }

    /// The standing of a call by this user, or by nobody.
    fn standing_of(standing: QuotaStanding, user: Option<UserId>) -> QuotaStanding {
        QuotaStanding { user: standing.user.filter(|_| user.is_some()), ..standing }
    }
}

#[async_trait]
impl Quotas for MemoryPlans {
    async fn standing(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        let state = self.state(Check::OrgQuota)?;
        let known = state.known.get(&org).copied().unwrap_or_else(|| state.standing(org));
        Ok(State::standing_of(known, user))
    }

    async fn standing_now(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        Ok(State::standing_of(self.state(Check::OrgQuota)?.standing(org), user))
    }

    async fn hold(&self, call: &Call, seconds: u32) -> Result<Held, StoreError> {
        let mut state = self.state(Check::OrgQuota)?;
        let before = state.standing(call.org);
        let asked = State::standing_of(before, call.user);
        if !asked.admits(call.quantity) {
            return Ok(Held::OverLimit(asked));
        }
        if let Some(again) = state.crowded_until {
            return Ok(Held::TooMany(again));
        }
        let less = |room: Room| Room { left: room.left.map(|left| left.saturating_sub(call.quantity)), ..room };
        let user = if call.user.is_some() { before.user.map(less) } else { before.user };
        let after = QuotaStanding { month: less(before.month), day: less(before.day), user, ..before };
        state.standings.insert(call.org, after);
        state.holds.push((call.clone(), seconds));
        Ok(Held::Held(ReservationId::mint(&Ambient::system()), after))
    }
}

#[async_trait]
impl Rates for MemoryPlans {
    async fn take(
        &self,
        _org: OrgId,
        _user: Option<UserId>,
        _per_minute: u64,
    ) -> Result<Result<(), Timestamp>, StoreError> {
        let mut state = self.state(Check::RateLimit)?;
        state.takes += 1;
        Ok(state.full_until.map_or(Ok(()), Err))
    }
}

#[async_trait]
impl OwnKeys for MemoryPlans {
    async fn pays(&self, org: OrgId, service: &ServiceName) -> Result<Pays, StoreError> {
        let brought = self.state(Check::Byok)?.keys.contains(&(org, service.clone()));
        Ok(if brought { Pays::Byok } else { Pays::Platform })
    }
}
