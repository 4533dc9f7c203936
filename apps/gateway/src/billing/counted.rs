use std::sync::Arc;

use async_trait::async_trait;
use billing_core::{
    Account, BillingStore, ClaimedEvent, EventEntry, EventKey, InboundEvent, Inbox, Movement, Outbox, Outgoing,
    PaymentProvider, Posted, Posting, Received, Settles, WorkState,
};
use kernel::{OrgId, Page, Paged, Record, StoreError, TaskId, Timestamp};

use super::figures::{Event, Figures, Task};

/// A store whose doings are counted, wherever they come from: a request, the worker, the command line.
pub(crate) struct Counted<P: ?Sized> {
    store: Arc<P>,
    figures: Figures,
}

impl<P: ?Sized> Counted<P> {
    pub(crate) const fn new(store: Arc<P>, figures: Figures) -> Self {
        Self { store, figures }
    }
}

#[async_trait]
impl BillingStore for Counted<dyn BillingStore> {
    async fn account(&self, org: OrgId, provider: PaymentProvider) -> Result<Option<Account>, StoreError> {
        self.store.account(org, provider).await
    }

    async fn org_of(&self, provider: PaymentProvider, customer: &str) -> Result<Option<OrgId>, StoreError> {
        self.store.org_of(provider, customer).await
    }

    async fn post(&self, posting: &Posting, record: &Record) -> Result<Posted, StoreError> {
        let posted = self.store.post(posting, record).await?;
        if posted == Posted::Posted {
            match posting.settles {
                Settles::Nothing => {}
                Settles::Event(_) => self.figures.event(Event::Applied),
                Settles::Task(_) => self.figures.command(Task::Done),
            }
            if posting.outgoing.is_some() {
                self.figures.command(Task::Agreed);
            }
        }
        Ok(posted)
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        self.store.due(now, limit).await
    }

    async fn accounts(
        &self,
        provider: PaymentProvider,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        self.store.accounts(provider, after, limit).await
    }

    async fn movements(&self, org: OrgId) -> Result<Vec<Movement>, StoreError> {
        self.store.movements(org).await
    }
}

#[async_trait]
impl Inbox for Counted<dyn Inbox> {
    async fn receive(&self, event: &InboundEvent) -> Result<Received, StoreError> {
        let received = self.store.receive(event).await?;
        self.figures.event(match received {
            Received::New => Event::Received,
            Received::Duplicate => Event::Duplicate,
        });
        Ok(received)
    }

    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.store.claim(now, until, limit).await
    }

    async fn ignore(&self, key: &EventKey, now: Timestamp) -> Result<(), StoreError> {
        self.store.ignore(key, now).await?;
        self.figures.event(Event::Ignored);
        Ok(())
    }

    async fn fail(
        &self,
        key: &EventKey,
        attempts: u32,
        next_at: Option<Timestamp>,
        error: &str,
    ) -> Result<(), StoreError> {
        self.store.fail(key, attempts, next_at, error).await?;
        let (provider, id) = (key.provider.as_str(), key.id.as_str());
        if next_at.is_some() {
            self.figures.event(Event::Failed);
            tracing::warn!(provider, id, attempts, error, "an event could not be applied; it is tried again");
        } else {
            self.figures.event(Event::Dead);
            tracing::error!(
                provider,
                id,
                attempts,
                error,
                "an event could not be applied and is not tried again: ops-center billing inbox replay does when the cause is mended"
            );
        }
        Ok(())
    }

    async fn list(&self, state: Option<WorkState>, page: Page) -> Result<Paged<EventEntry>, StoreError> {
        self.store.list(state, page).await
    }

    async fn replay(&self, key: &EventKey, record: &Record) -> Result<bool, StoreError> {
        self.store.replay(key, record).await
    }
}

#[async_trait]
impl Outbox for Counted<dyn Outbox> {
    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Outgoing>, StoreError> {
        self.store.claim(now, until, limit).await
    }

    async fn claim_one(&self, id: TaskId, now: Timestamp, until: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        self.store.claim_one(id, now, until).await
    }

    async fn fail(&self, id: TaskId, attempts: u32, next_at: Option<Timestamp>, error: &str) -> Result<(), StoreError> {
        self.store.fail(id, attempts, next_at, error).await?;
        if next_at.is_some() {
            self.figures.command(Task::Failed);
            tracing::warn!(task = %id, attempts, error, "the payment provider could not be asked for a change; it is asked again");
        } else {
            self.figures.command(Task::Dead);
            tracing::warn!(task = %id, attempts, error, "the payment provider did not make a change, and is not asked for it again");
        }
        Ok(())
    }

    async fn pending(&self, org: OrgId) -> Result<Option<Outgoing>, StoreError> {
        self.store.pending(org).await
    }
}
