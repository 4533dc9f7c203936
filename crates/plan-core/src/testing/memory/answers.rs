#![expect(clippy::expect_used, reason = "a test that gives a bad address fails by panicking")]

use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Ambient, Email, OrgId, RecordId, ReservationId, ServiceName, StoreError, Timestamp, UserId};

use super::{MemoryPlans, Org, State};
use crate::testing::Population;
use crate::{Call, Check, Held, OwnKeys, Pays, QuotaStanding, Quotas, Rates};

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
        let endless = QuotaStanding { org: None, month: None, user: None, resets_at: Timestamp::MAX_UTC };
        self.standings.get(&org).copied().unwrap_or(endless)
    }
}

#[async_trait]
impl Quotas for MemoryPlans {
    async fn standing(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        let standing = self.state(Check::OrgQuota)?.standing(org);
        Ok(QuotaStanding { user: standing.user.filter(|_| user.is_some()), ..standing })
    }

    async fn hold(&self, call: &Call, seconds: u32) -> Result<Held, StoreError> {
        let mut state = self.state(Check::OrgQuota)?;
        let before = state.standing(call.org);
        let fits = |left: Option<u64>| left.is_none_or(|left| call.quantity <= left);
        if !fits(before.org) || !fits(before.month) || !fits(before.user.filter(|_| call.user.is_some())) {
            return Ok(Held::OverLimit(before));
        }
        let less = |left: Option<u64>| left.map(|left| left.saturating_sub(call.quantity));
        let user = if call.user.is_some() { less(before.user) } else { before.user };
        let after = QuotaStanding { org: less(before.org), month: less(before.month), user, ..before };
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
