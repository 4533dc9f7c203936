//! Money in memory, with a payment provider that does as a test says.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billing_core::testing::MemoryBilling;
use billing_core::{
    Account, Billing, BillingNotice, BillingPorts, BillingSettings, BillingStore, Capabilities, Checkout,
    CheckoutRequest, Command, CustomerDetails, Gateway, GatewayError, InboundEvent, Inbox, Invoice, InvoicePrinter,
    Load, Money, Notice, Offer, Offers, Outbox, Payment, PaymentGateway, PaymentProvider, PaymentStatus, Platform,
    Posted, Posting, Proration, ProviderInvoices, RemoteSubscription, Settles, Snapshot,
};
use chrono::TimeDelta;
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Action, Actor, Ambient, Limit, OrgId, Period, Record, StoreError, Timestamp};

use super::{Counted, Figures};

/// A provider, and what it says of each customer.
#[derive(Default)]
pub(crate) struct Teller {
    says: Mutex<BTreeMap<String, RemoteSubscription>>,
    down: AtomicBool,
    done: Mutex<Vec<Command>>,
}

impl Teller {
    /// From now on it does not answer, or does.
    pub(crate) fn away(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// What it was asked to do, and did.
    pub(crate) fn done(&self) -> Vec<Command> {
        self.done.lock().expect("commands").clone()
    }

    fn up(&self) -> Result<(), GatewayError> {
        if self.down.load(Ordering::SeqCst) { Err(GatewayError::unavailable("away")) } else { Ok(()) }
    }
}

#[async_trait]
impl PaymentGateway for Teller {
    fn provider(&self) -> (PaymentProvider, Capabilities) {
        (PaymentProvider::Stripe, Capabilities { checkout: true, portal: true, payment_methods: false, retry: false })
    }
    async fn create_customer(&self, who: &CustomerDetails, _: &str) -> Result<String, GatewayError> {
        self.up().map(|()| format!("cus_{}", who.org))
    }
    async fn checkout(&self, _: &CheckoutRequest, _: &str) -> Result<Checkout, GatewayError> {
        Err(GatewayError::Unsupported)
    }
    async fn portal(&self, _: &str, _: &str) -> Result<String, GatewayError> {
        Err(GatewayError::Unsupported)
    }
    async fn snapshot(&self, _: OrgId, customer: &str) -> Result<Snapshot, GatewayError> {
        self.up()?;
        let subscriptions = self.says.lock().expect("subscriptions").get(customer).cloned().into_iter().collect();
        Ok(Snapshot { subscriptions, invoices: Vec::new() })
    }
    async fn preview(&self, _: &str, _: &Command) -> Result<Proration, GatewayError> {
        Err(GatewayError::Unsupported)
    }
    async fn execute(&self, command: &Command, _: &str) -> Result<(), GatewayError> {
        self.up()?;
        self.done.lock().expect("commands").push(command.clone());
        if let Command::CancelNow { external } = command {
            for said in self.says.lock().expect("subscriptions").values_mut().filter(|it| it.external == *external) {
                said.status = PaymentStatus::Canceled;
            }
        }
        Ok(())
    }
    async fn touched(&self, _: Timestamp) -> Result<Vec<String>, GatewayError> {
        self.up().map(|()| self.says.lock().expect("subscriptions").keys().cloned().collect())
    }
}

#[async_trait]
impl ProviderInvoices for Teller {
    async fn pdf(&self, _: &str) -> Result<Vec<u8>, GatewayError> {
        Err(GatewayError::NotFound)
    }
    async fn retry(&self, _: &str, _: &str) -> Result<(), GatewayError> {
        Err(GatewayError::Unsupported)
    }
}

/// A product of two plans, in which every organization is called Acme.
struct Shop;

#[async_trait]
impl Platform for Shop {
    async fn offers(&self) -> Result<Arc<Offers>, StoreError> {
        Ok(Arc::new(Offers(vec![offer("free", 0, 0), offer("starter", 2, 1900)])))
    }
    async fn plan_of(&self, _: OrgId) -> Result<Option<String>, StoreError> {
        Ok(None)
    }
    async fn customer(&self, org: OrgId) -> Result<Option<CustomerDetails>, StoreError> {
        Ok(Some(CustomerDetails { org, name: "Acme".to_owned(), email: "ada@example.com".to_owned() }))
    }
    async fn load(&self, _: OrgId) -> Result<Load, StoreError> {
        Ok(Load::default())
    }
}

#[async_trait]
impl BillingNotice for Shop {
    async fn tell(&self, _: OrgId, _: &Notice) -> Result<(), StoreError> {
        Ok(())
    }
}

impl InvoicePrinter for Shop {
    fn print(&self, _: &Invoice) -> Result<Vec<u8>, StoreError> {
        Err(StoreError::broken("nothing is printed here"))
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().expect("a currency"))
}

fn offer(plan: &str, level: u8, monthly: i64) -> Offer {
    Offer {
        plan: plan.to_owned(),
        name: plan.to_owned(),
        level,
        monthly,
        yearly: monthly * 10,
        currency: usd(0).currency,
        seats: 5,
        byok: false,
        calls: Limit::Unlimited,
        features: Vec::new(),
        is_active: true,
        is_public: true,
        trial_days: 0,
        stripe_monthly: Some(format!("price_{plan}")),
        stripe_yearly: None,
        lago_monthly: None,
    }
}

/// Money over all that.
pub(crate) struct Stage {
    pub(crate) memory: Arc<MemoryBilling>,
    pub(crate) teller: Arc<Teller>,
    pub(crate) billing: Billing,
    pub(crate) figures: Figures,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ambient: Ambient,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (memory, teller) = (Arc::new(MemoryBilling::new()), Arc::new(Teller::default()));
        let (clock, ambient) = manual_ambient(1);
        let figures = Figures::default();
        let ports = BillingPorts {
            store: Arc::new(Counted::<dyn BillingStore>::new(memory.clone(), figures.clone())),
            invoices: memory.clone(),
            inbox: Arc::new(Counted::<dyn Inbox>::new(memory.clone(), figures.clone())),
            outbox: Arc::new(Counted::<dyn Outbox>::new(memory.clone(), figures.clone())),
            platform: Arc::new(Shop),
            notice: Arc::new(Shop),
            printer: Arc::new(Shop),
            gateway: Some(Gateway { payments: teller.clone(), methods: None, invoices: teller.clone() }),
        };
        let (grace, term) = (TimeDelta::days(7), TimeDelta::days(14));
        let settings = BillingSettings { grace, term, quote_key: [7; 32].into() };
        let billing = Billing::new(ports, settings, ambient.clone());
        Self { memory, teller, billing, figures, clock, ambient }
    }

    /// An organization that is a customer, of whom nothing else is known here.
    pub(crate) async fn customer(&self, org: OrgId) -> String {
        self.memory.add_org(org);
        let customer = format!("cus_{org}");
        let new = Account::new(org, PaymentProvider::Stripe);
        let account = Account { customer: Some(customer.clone()), version: 1, ..new };
        let posting = Posting {
            account,
            next_at: None,
            grant: None,
            movement: None,
            invoices: Vec::new(),
            outgoing: None,
            settles: Settles::Nothing,
        };
        let record = Record::new(&self.ambient, &Actor::system(), Action::CustomerCreated, "billing_account", org);
        assert_eq!(self.memory.post(&posting, &record.within(org)).await.expect("posted"), Posted::Posted);
        customer
    }

    /// The same, and the provider has sold them a plan by now.
    pub(crate) async fn buyer(&self, org: OrgId) -> String {
        let customer = self.customer(org).await;
        let now = self.ambient.now();
        let said = RemoteSubscription {
            external: format!("sub_{org}"),
            price: "price_starter".to_owned(),
            amount: usd(1900),
            status: PaymentStatus::Active,
            payment: Payment::Paid,
            created: now,
            period: Period::month(now, now),
            trial_ends_at: None,
            cancel_at_period_end: false,
            scheduled: None,
            ended_at: None,
        };
        self.teller.says.lock().expect("subscriptions").insert(customer.clone(), said);
        customer
    }

    /// An event about a customer comes in.
    pub(crate) async fn event(&self, id: &str, customer: Option<&str>) {
        let event = InboundEvent {
            provider: PaymentProvider::Stripe,
            id: id.to_owned(),
            kind: "invoice.paid".to_owned(),
            customer: customer.map(str::to_owned),
            received_at: self.ambient.now(),
            body: b"{}".to_vec(),
        };
        self.billing.receive(&event).await.expect("received");
    }

    /// What Prometheus reads of the figures.
    pub(crate) fn metrics(&self) -> String {
        http_api::Metrics::with(|registry| self.figures.register(registry)).render().expect("text")
    }
}
