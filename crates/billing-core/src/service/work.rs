//! What was received takes effect, and what was agreed is carried out.
use chrono::TimeDelta;
use kernel::{Actor, OrgId, Page, Paged, Record};

use super::billing::Billing;
use crate::{
    BillingError, ClaimedEvent, EventEntry, EventKey, InboundEvent, Received, Settles, WorkState, policy::retry,
};

/// So much is done in one round, of each kind.
const ROUND: u32 = 50;

/// How long one round has for what it took: longer than a provider may take for one answer, by far.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How long before an event came something may have happened that it is about.
const AROUND: TimeDelta = TimeDelta::minutes(10);

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Events that were taken.
    pub events: u64,
    /// Commands that were taken.
    pub commands: u64,
    /// Organizations whose time had come.
    pub due: u64,
    /// Of all these, how many could not be done and are tried again, or are not.
    pub failed: u64,
}

impl Round {
    /// Whether anything was there to be done.
    pub const fn is_idle(&self) -> bool {
        self.events == 0 && self.commands == 0 && self.due == 0
    }
}

impl Billing {
    /// Keeps what a provider sent. It is to be acknowledged when this was answered, and not before (WH-2).
    pub async fn receive(&self, event: &InboundEvent) -> Result<Received, BillingError> {
        Ok(self.ports.inbox.receive(event).await?)
    }

    /// One round of everything that waits. Any number of processes may work at once: each thing is given to one of them.
    pub async fn work(&self) -> Result<Round, BillingError> {
        let mut round = Round::default();
        let now = self.ambient.now();
        for claimed in self.ports.inbox.claim(now, now + LEASE, ROUND).await? {
            round.events += 1;
            round.failed += u64::from(!self.apply(&claimed).await?);
        }
        if self.ports.gateway.is_some() {
            for outgoing in self.ports.outbox.claim(now, now + LEASE, ROUND).await? {
                round.commands += 1;
                round.failed += u64::from(self.execute(&outgoing).await.is_err());
            }
        }
        for org in self.ports.store.due(now, ROUND).await? {
            round.due += 1;
            round.failed += u64::from(!self.look_again(org).await?);
        }
        Ok(round)
    }

    /// Lets an event take effect; whether it did. An event only tells about whom to ask: what it says besides is not believed.
    async fn apply(&self, claimed: &ClaimedEvent) -> Result<bool, BillingError> {
        let event = &claimed.event;
        let key = EventKey { provider: event.provider, id: event.id.clone() };
        let org = match &event.customer {
            Some(customer) if event.provider == self.provider() => {
                self.ports.store.org_of(event.provider, customer).await?
            }
            _ => None,
        };
        let applied = match org {
            Some(org) => self.sync(org, &Settles::Event(key.clone())).await.map(|_| true),
            None => self.ask_around(event).await.map(|()| false),
        };
        match applied {
            Ok(true) => Ok(true),
            Ok(false) | Err(BillingError::NoSuchOrg) => {
                self.ports.inbox.ignore(&key, self.ambient.now()).await?;
                Ok(true)
            }
            Err(error) => {
                let attempts = claimed.attempts.saturating_add(1);
                let next = retry::next(attempts, self.ambient.now());
                self.ports.inbox.fail(&key, attempts, next, &chain(&error)).await?;
                Ok(false)
            }
        }
    }

    /// A dispute names a payment and nobody: whom it is about is among those about whom something happened just then.
    async fn ask_around(&self, event: &InboundEvent) -> Result<(), BillingError> {
        if event.customer.is_none() && event.provider == self.provider() && event.kind.starts_with("charge.dispute.") {
            self.reconcile_since(event.received_at - AROUND).await?;
        }
        Ok(())
    }

    /// An organization whose time has come hinders no other when it cannot be looked at: it stays the longest overdue.
    async fn look_again(&self, org: OrgId) -> Result<bool, BillingError> {
        match self.elapse(org).await {
            Ok(()) => Ok(true),
            Err(BillingError::Store(error)) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    /// Events for an operator, newest first.
    pub async fn events(&self, state: Option<WorkState>, page: Page) -> Result<Paged<EventEntry>, BillingError> {
        Ok(self.ports.inbox.list(state, page).await?)
    }

    /// Lets an event be applied again; `false` when there is none of this name that is not waiting already.
    pub async fn replay(&self, actor: &Actor, key: &EventKey) -> Result<bool, BillingError> {
        let action = kernel::Action::EventReplayed;
        let record =
            Record::new(&self.ambient, actor, action, "billing_event", format!("{}/{}", key.provider.as_str(), key.id));
        Ok(self.ports.inbox.replay(key, &record).await?)
    }
}

/// An error with its causes, for an operator.
fn chain(error: &BillingError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
