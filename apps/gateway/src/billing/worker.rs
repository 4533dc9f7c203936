use std::time::Duration;

use billing_core::{Billing, BillingError, Round, WorkState};
use kernel::{Ambient, Page};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Comparison, Figures};

/// How long to wait at most while the database does not answer.
const LONGEST: Duration = Duration::from_secs(10);
/// How often the inbox is counted.
const LOOK: Duration = Duration::from_secs(15);

/// Does what waits, round after round. Any number of processes may: each thing is given to one of them.
pub(crate) struct Worker {
    pub(crate) billing: Billing,
    pub(crate) figures: Figures,
    /// Looks for what was missed, if that is to be done without being asked.
    pub(crate) comparison: Option<Comparison>,
    /// How soon a round follows one that left nothing to do.
    pub(crate) every: Duration,
    pub(crate) ambient: Ambient,
}

/// A worker at work.
pub(crate) struct Working {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Working {
    /// Lets it begin.
    pub(crate) fn begin(worker: Worker) -> Self {
        let (stop, told) = watch::channel(false);
        Self { stop, task: tokio::spawn(worker.run(Stop::new(told))) }
    }

    /// Lets it end the round that it is at, but does not wait longer than that. What was cut off is done again, here or elsewhere, when its
    /// lease is over.
    pub(crate) async fn end(mut self, patience: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            tracing::warn!("payments that were being worked on are left for later");
            self.abort();
        }
    }

    /// Ends it at once.
    pub(crate) fn abort(self) {
        self.task.abort();
    }
}

/// Whether to stop.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) const fn new(told: watch::Receiver<bool>) -> Self {
        Self(told)
    }

    pub(super) fn told(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits so long, or until it is told to stop.
    pub(super) async fn or(&mut self, pause: Duration) {
        tokio::time::timeout(pause, self.0.wait_for(|told| *told)).await.ok();
    }
}

impl Worker {
    async fn run(self, stop: Stop) {
        tokio::join!(self.work(stop.clone()), self.look(stop.clone()), async {
            if let Some(comparison) = &self.comparison {
                comparison.now_and_then(stop).await;
            }
        });
    }

    async fn work(&self, mut stop: Stop) {
        let (mut wait, mut failing) = (self.every, false);
        while !stop.told() {
            let done = self.billing.work().await;
            say(&done, &mut failing);
            wait = match done {
                Ok(round) if goes_on(&round) => continue,
                Ok(_) => self.every,
                Err(_) => wait.saturating_mul(2).min(LONGEST.max(self.every)),
            };
            stop.or(wait).await;
        }
    }

    async fn look(&self, mut stop: Stop) {
        while !stop.told() {
            if let Err(error) = self.count().await {
                tracing::debug!(error = %error, "the inbox could not be counted");
            }
            stop.or(LOOK).await;
        }
    }

    /// Counts what waits and what is dead.
    async fn count(&self) -> Result<(), BillingError> {
        let one = |offset| Page::new(1, offset).unwrap_or_default();
        let pending = self.billing.events(Some(WorkState::Pending), one(0)).await?;
        let dead = self.billing.events(Some(WorkState::Dead), one(0)).await?.total;
        // The newest come first.
        let oldest = match u32::try_from(pending.total).unwrap_or(u32::MAX).checked_sub(1) {
            Some(0) | None => pending.items,
            Some(last) => self.billing.events(Some(WorkState::Pending), one(last)).await?.items,
        };
        let age = oldest.first().map(|event| (self.ambient.now() - event.received_at).num_seconds().max(0));
        self.figures.inbox(pending.total, dead, age.unwrap_or(0));
        Ok(())
    }
}

/// Whether the next round follows at once: there was something to do, and all of it was done. What failed has its own time.
const fn goes_on(round: &Round) -> bool {
    !round.is_idle() && round.failed == 0
}

/// Tells when it begins to fail, and when that is over.
fn say(done: &Result<Round, BillingError>, failing: &mut bool) {
    match done {
        Ok(round) if round.failed > 0 => {
            let Round { events, commands, due, failed } = round;
            if !*failing {
                tracing::warn!(
                    events,
                    commands,
                    due,
                    failed,
                    "some payments could not be worked on; they are tried again"
                );
            }
            *failing = true;
        }
        Ok(round) if *failing && !round.is_idle() => {
            tracing::info!("payments are worked on again");
            *failing = false;
        }
        Ok(_) => {}
        Err(error) => {
            if !*failing {
                tracing::warn!(error = %error, "payments cannot be worked on; trying again soon");
            }
            *failing = true;
        }
    }
}

#[cfg(test)]
mod tests;
