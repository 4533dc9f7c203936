use std::sync::Arc;
use std::time::Duration;

use billing_core::{Account, Billing, BillingError, Drift, Reconciled};
use chrono::TimeDelta;
use kernel::{Ambient, Begun, Idempotency, IdempotencyKey, Recorded, TokenHash};

use super::{Figures, worker::Stop};

/// How many accounts are compared between two looks at whether to stop.
const STEP: u32 = 50;
/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often somebody asks whether it is time.
const ASK: TimeDelta = TimeDelta::minutes(1);
/// How long one pass may take before another process may begin its own, for example because this one was killed.
const LEASE: TimeDelta = TimeDelta::hours(2);

/// By this the processes know each other's claim; it lies among the answers of requests, whose names are hashes.
const CLAIM: IdempotencyKey = IdempotencyKey {
    scope: TokenHash::from_bytes(*b"ops-center: billing reconcile..."),
    payload: TokenHash::from_bytes(*b"ops-center: billing reconcile..."),
};

/// Compares everything with the payment provider now and then: of any number of processes one does it, and a restart is no reason to do
/// it again before its time.
pub(crate) struct Comparison {
    pub(crate) billing: Billing,
    pub(crate) figures: Figures,
    pub(crate) claims: Arc<dyn Idempotency>,
    /// From the end of one pass to the next.
    pub(crate) every: TimeDelta,
    pub(crate) ambient: Ambient,
}

impl Comparison {
    pub(super) async fn now_and_then(&self, mut stop: Stop) {
        let mut next = self.ambient.now();
        while !stop.told() {
            let now = self.ambient.now();
            // A clock that was set back must not stop it.
            if now >= next || next - now > ASK {
                next = now + ASK.min(self.every);
                if let Err(error) = self.in_turn(&stop).await {
                    tracing::warn!(error = %error, "accounts could not be compared with the payment provider; trying again soon");
                }
            }
            stop.or(TICK).await;
        }
    }

    /// One pass, if it is time and nobody else is at it.
    pub(super) async fn in_turn(&self, stop: &Stop) -> Result<bool, BillingError> {
        let now = self.ambient.now();
        if self.claims.begin(&CLAIM, now, now + LEASE).await? != Begun::First {
            return Ok(false);
        }
        let passed = self.pass(stop).await;
        if matches!(passed, Ok(true)) {
            let nothing = Recorded { status: 204, content_type: String::new(), body: Vec::new() };
            self.claims.finish(&CLAIM, &nothing, self.ambient.now() + self.every).await?;
        } else {
            self.claims.abandon(&CLAIM).await?;
        }
        passed
    }

    /// Whether it came to the end.
    async fn pass(&self, stop: &Stop) -> Result<bool, BillingError> {
        let (mut after, mut compared, mut drift, mut failed) = (None, 0, 0, 0);
        loop {
            let found = self.billing.reconcile(after, STEP).await?;
            compared += found.compared;
            drift += found.drift.len();
            failed += found.failed.len();
            self.figures.reconciled(found.compared, u64::try_from(found.drift.len()).unwrap_or(u64::MAX));
            tell(&found);
            match found.next {
                None => break,
                Some(_) if stop.told() => return Ok(false),
                next => after = next,
            }
        }
        tracing::info!(compared, drift, failed, "accounts were compared with the payment provider");
        Ok(true)
    }
}

/// Tells what differed, and what could not be compared.
fn tell(step: &Reconciled) {
    for Drift { org, before, after } in &step.drift {
        let (before, after) = (words(before), words(after));
        tracing::warn!(%org, before, after, "an account differed from what the payment provider says; it is right now");
    }
    for (org, error) in &step.failed {
        tracing::warn!(%org, error = %error, "an account could not be compared with the payment provider");
    }
}

/// What an account stands for, in a few words: `professional active`.
pub(crate) fn words(account: &Account) -> String {
    account
        .subscription
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), |it| format!("{} {} {}", it.plan, it.cycle.as_str(), it.status.as_str()))
}

#[cfg(test)]
mod tests;
