use async_trait::async_trait;
use kernel::{Ambient, OrgId, StoreError, Timestamp, UserId};
use plan_core::{Call, Held, QuotaStanding, Quotas, Room};
use usage_core::policy::leases_end;
use usage_core::{Count, Lease, Metering, Quantity, Tally, Usage, UsageError};

use super::usage_fault;

/// What decisions ask about quotas, answered by the ledger's counters.
pub(crate) struct LedgerQuotas {
    usage: Usage,
    metering: Metering,
    ambient: Ambient,
}

impl LedgerQuotas {
    pub(crate) const fn new(usage: Usage, metering: Metering, ambient: Ambient) -> Self {
        Self { usage, metering, ambient }
    }
}

fn room(count: Count) -> Room {
    Room { left: count.remaining(), unheld: count.limit.remaining(count.used), ends_at: count.period.end }
}

fn standing(tally: &Tally, now: Timestamp) -> QuotaStanding {
    let (month, day, user) = (room(tally.month), room(tally.day), tally.user.map(room));
    QuotaStanding { month, day, user, held_until: leases_end(now) }
}

#[async_trait]
impl Quotas for LedgerQuotas {
    async fn standing(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        Ok(standing(&self.usage.recent_tally(org, user).await.map_err(usage_fault)?, self.ambient.now()))
    }

    async fn standing_now(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        Ok(standing(&self.usage.tally(org, user).await.map_err(usage_fault)?, self.ambient.now()))
    }

    async fn hold(&self, call: &Call, seconds: u32) -> Result<Held, StoreError> {
        let quantity = Quantity::new(call.quantity).map_err(StoreError::broken)?;
        let lease = Lease { org: call.org, user: call.user, service: call.service.clone(), quantity, seconds };
        match self.metering.hold(lease).await {
            Ok(held) => Ok(Held::Held(held.id, standing(&held.tally, self.ambient.now()))),
            Err(UsageError::QuotaExceeded(_, over)) => Ok(Held::OverLimit(standing(&over.tally, over.at))),
            Err(UsageError::TooManyReservations(first_end)) => Ok(Held::TooMany(first_end)),
            Err(other) => Err(usage_fault(other)),
        }
    }
}
