use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::SubsecRound;
use kernel::{Action, Actor, InvoiceId, OrgId, Page, Period, Record, SubscriptionId, TaskId, Timestamp};

use crate::testing::BillingStores;
use crate::{
    Access, Account, ClaimedEvent, Command, Cycle, EventKey, Grant, InboundEvent, Invoice, InvoiceFilter, InvoiceLine,
    InvoiceStatus, Money, Movement, Outgoing, PaidSubscription, PaymentProvider, PaymentStatus, Posted, Posting,
    Received, Settles,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_mins(1);

/// The stores under test, names that no other stage has, and a time that passes by a second with every step. Each step checks that a
/// change was made with its record or neither.
pub(super) struct Stage<'a> {
    pub(super) stores: BillingStores<'a>,
    unique: String,
    steps: AtomicU32,
}

pub(super) fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

impl<'a> Stage<'a> {
    pub(super) fn new(stores: BillingStores<'a>) -> Self {
        let unique = stores.ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { stores, unique, steps: AtomicU32::default() }
    }

    /// A later moment than every one before.
    pub(super) fn tick(&self) -> Timestamp {
        self.stores.ambient.now().trunc_subsecs(6) + SECOND * self.steps.fetch_add(1, Ordering::SeqCst)
    }

    /// A name that no other run of a contract has.
    pub(super) fn name(&self, text: &str) -> String {
        format!("{text}_{}_{}", self.unique, self.steps.fetch_add(1, Ordering::SeqCst))
    }

    pub(super) async fn org(&self) -> OrgId {
        self.stores.world.org().await
    }

    pub(super) async fn account(&self, org: OrgId) -> Account {
        self.stores.billing.account(org, PaymentProvider::Stripe).await.unwrap().unwrap()
    }

    /// The account's next version, and nothing else.
    pub(super) async fn next(&self, org: OrgId) -> Posting {
        let account = self.account(org).await;
        Self::posting(Account { version: account.version + 1, ..account })
    }

    pub(super) const fn posting(account: Account) -> Posting {
        Posting {
            account,
            next_at: None,
            grant: None,
            movement: None,
            invoices: Vec::new(),
            outgoing: None,
            settles: Settles::Nothing,
        }
    }

    pub(super) async fn post(&self, posting: &Posting) -> Posted {
        let record = self.record(Action::PaymentStateChanged);
        let posted = self.stores.billing.post(posting, &record).await.unwrap();
        let kept = self.stores.world.kept(record.id).await;
        assert_eq!(kept, posted == Posted::Posted, "a posting and its record: {posted:?}");
        posted
    }

    pub(super) async fn posted(&self, posting: &Posting) {
        assert_eq!(self.post(posting).await, Posted::Posted);
    }

    /// A posting that must not be understood: it fails, and nothing of it is kept.
    pub(super) async fn refused(&self, posting: &Posting, why: &str) {
        let (org, record) = (posting.account.org, self.record(Action::PaymentStateChanged));
        let before = (self.account(org).await, self.listed(org).await);
        let ended = self.stores.billing.post(posting, &record).await;
        assert!(matches!(ended, Err(kernel::StoreError::Broken(_))), "{why}: {ended:?}");
        assert!(!self.stores.world.kept(record.id).await, "{why}: no record");
        assert_eq!((self.account(org).await, self.listed(org).await), before, "{why}: nothing happened");
    }

    pub(super) fn record(&self, action: Action) -> Record {
        let record = Record::new(self.stores.ambient, &Actor::system(), action, "billing_account", "x");
        Record { at: self.tick(), ..record }
    }

    pub(super) fn subscription(&self, plan: &str, status: PaymentStatus) -> PaidSubscription {
        let anchor = self.tick();
        PaidSubscription {
            id: SubscriptionId::mint(self.stores.ambient),
            external: Some(self.name("sub")),
            plan: plan.to_owned(),
            cycle: Cycle::Monthly,
            amount: usd(1900),
            status,
            anchor,
            period: Period::month(anchor, anchor),
            trial_ends_at: None,
            cancel_at_period_end: false,
            past_due_since: None,
            pending: None,
            ended_at: None,
        }
    }

    pub(super) fn grant(&self, (plan, level): (&str, u8), access: Access) -> Grant {
        Grant { plan: plan.to_owned(), level, access, anchor: self.tick(), trial_ends_at: None }
    }

    pub(super) fn movement(&self, org: OrgId, why: &'static str) -> Movement {
        Movement {
            org,
            at: self.tick(),
            from_plan: None,
            to_plan: Some("starter".to_owned()),
            cycle: Some(Cycle::Monthly),
            from_monthly: None,
            to_monthly: Some(usd(1900)),
            why,
        }
    }

    /// An open invoice for nineteen dollars; the manual provider's without a name of its own.
    pub(super) fn invoice(&self, org: OrgId, provider: PaymentProvider) -> Invoice {
        let line = InvoiceLine {
            description: "Starter (monthly)".to_owned(),
            quantity: 1,
            unit_minor: 1900,
            amount_minor: 1900,
            period: None,
        };
        let named = provider != PaymentProvider::Manual;
        Invoice {
            id: InvoiceId::mint(self.stores.ambient),
            org,
            provider,
            external: named.then(|| self.name("in")),
            number: named.then(|| self.name("A")),
            status: InvoiceStatus::Open,
            subtotal_minor: 1900,
            tax_minor: 0,
            total: usd(1900),
            issued_at: self.tick(),
            due_at: None,
            paid_at: None,
            period: None,
            plan: Some("starter".to_owned()),
            cycle: Some(Cycle::Monthly),
            description: "Starter (monthly)".to_owned(),
            lines: vec![line],
            payments: Vec::new(),
            customer: ("Acme".to_owned(), "a@example.com".to_owned()),
            hosted_url: None,
        }
    }

    pub(super) async fn bill(&self, invoices: Vec<Invoice>) {
        let posting = Posting { invoices: invoices.clone(), ..self.next(invoices[0].org).await };
        self.posted(&posting).await;
    }

    /// An organization's invoices, all of them.
    pub(super) async fn listed(&self, org: OrgId) -> Vec<Invoice> {
        let page = Page::new(Page::MAX_LIMIT, 0).unwrap();
        self.stores.invoices.list(org, &InvoiceFilter::default(), page).await.unwrap().items
    }

    pub(super) fn event(&self) -> InboundEvent {
        InboundEvent {
            provider: PaymentProvider::Stripe,
            id: self.name("evt"),
            kind: "invoice.paid".to_owned(),
            customer: Some(self.name("cus")),
            received_at: self.tick(),
            body: b"{\"id\":1}".to_vec(),
        }
    }

    pub(super) async fn received(&self) -> EventKey {
        let event = self.event();
        assert_eq!(self.stores.inbox.receive(&event).await.unwrap(), Received::New);
        key(&event)
    }

    pub(super) async fn claim(&self, now: Timestamp, limit: u32) -> Vec<ClaimedEvent> {
        self.stores.inbox.claim(now, now + MINUTE, limit).await.unwrap()
    }

    /// The names of the events whose turn it is; they are leased for a minute.
    pub(super) async fn claimed(&self, now: Timestamp) -> Vec<EventKey> {
        self.claim(now, 100).await.iter().map(|claimed| key(&claimed.event)).collect()
    }

    pub(super) fn outgoing(&self, org: OrgId) -> Outgoing {
        let command = Command::CancelNow { external: self.name("sub") };
        Outgoing { id: TaskId::mint(self.stores.ambient), org, command, attempts: 0 }
    }

    /// A command that was agreed.
    pub(super) async fn agreed(&self, org: OrgId) -> Outgoing {
        let outgoing = self.outgoing(org);
        self.posted(&Posting { outgoing: Some(outgoing.clone()), ..self.next(org).await }).await;
        outgoing
    }
}

pub(super) fn key(event: &InboundEvent) -> EventKey {
    EventKey { provider: event.provider, id: event.id.clone() }
}
