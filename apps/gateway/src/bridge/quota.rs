use async_trait::async_trait;
use kernel::{OrgId, StoreError, UserId};
use plan_core::{Call, Held, QuotaStanding, Quotas};
use usage_core::{Lease, Metering, Quantity, Tally, Usage, UsageError};

use super::usage_fault;

/// What decisions ask about quotas, answered by the ledger's counters.
pub(crate) struct LedgerQuotas {
    usage: Usage,
    metering: Metering,
}

impl LedgerQuotas {
    pub(crate) const fn new(usage: Usage, metering: Metering) -> Self {
        Self { usage, metering }
    }
}

/// The smaller of two numbers of which each may have no end.
fn narrower(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn standing(tally: &Tally) -> QuotaStanding {
    let (month, day) = (tally.month.remaining(), tally.day.remaining());
    let by_day = day.is_some_and(|day| month.is_none_or(|month| day < month));
    let counted = if by_day { tally.day.period } else { tally.month.period };
    QuotaStanding {
        org: narrower(month, day),
        month,
        user: tally.user.and_then(|count| count.remaining()),
        resets_at: counted.end,
    }
}

#[async_trait]
impl Quotas for LedgerQuotas {
    async fn standing(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        Ok(standing(&self.usage.recent_tally(org, user).await.map_err(usage_fault)?))
    }

    async fn standing_now(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        Ok(standing(&self.usage.tally(org, user).await.map_err(usage_fault)?))
    }

    async fn hold(&self, call: &Call, seconds: u32) -> Result<Held, StoreError> {
        let quantity = Quantity::new(call.quantity).map_err(StoreError::broken)?;
        let lease = Lease { org: call.org, user: call.user, service: call.service.clone(), quantity, seconds };
        match self.metering.hold(lease).await {
            Ok(held) => Ok(Held::Held(held.id, standing(&held.tally))),
            Err(UsageError::QuotaExceeded(_, tally)) => Ok(Held::OverLimit(standing(&tally))),
            Err(other) => Err(usage_fault(other)),
        }
    }
}
