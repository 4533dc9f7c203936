//! Money over stores in memory: with the manual provider, or with a bank that does what it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::http::header::HeaderMap;
use async_trait::async_trait;
use billing_core::testing::MemoryBilling;
use billing_core::{
    Account, BadSignature, Billing, BillingNotice, BillingPorts, BillingSettings, BillingStore, Capabilities, Checkout,
    CheckoutRequest, Command, CustomerDetails, Gateway, GatewayError, InboundEvent, Invoice, InvoicePrinter, Load,
    Money, Movement, Notice, Offer, Offers, Payment, PaymentGateway, PaymentMethod, PaymentMethods, PaymentProvider,
    PaymentStatus, Platform, Posted, Posting, Proration, ProviderInvoices, RemoteSubscription, SetupIntent, Snapshot,
};
use chrono::TimeDelta;
use kernel::{Ambient, Limit, OrgId, Period, Record, StoreError, Timestamp};
use zeroize::Zeroizing;

use crate::webhook::{WebhookVerifier, Webhooks};

/// What the tests hold of money.
pub(in crate::routes) struct Till {
    pub(in crate::routes) store: Arc<MemoryBilling>,
    pub(in crate::routes) bank: Arc<Bank>,
    ambient: Ambient,
    /// Whether there is a bank.
    banked: bool,
    signed: bool,
}

impl Till {
    /// With the manual provider.
    pub(in crate::routes) fn new(ambient: &Ambient) -> Self {
        let bank = Arc::new(Bank { now: ambient.now(), ..Bank::default() });
        Self { store: Arc::default(), bank, ambient: ambient.clone(), banked: false, signed: false }
    }

    /// With the bank, which is called Stripe.
    pub(in crate::routes) fn open_bank(&mut self) {
        self.banked = true;
    }

    /// With secrets for events.
    pub(in crate::routes) fn listen(&mut self) {
        self.signed = true;
    }

    pub(in crate::routes) fn webhooks(&self) -> Webhooks {
        let verifier = |provider| {
            let seal: Arc<dyn WebhookVerifier> = Arc::new(Seal(provider));
            Some(seal).filter(|_| self.signed)
        };
        Webhooks { stripe: verifier(PaymentProvider::Stripe), lago: verifier(PaymentProvider::Lago) }
    }

    pub(in crate::routes) fn billing(&self) -> Billing {
        let gateway = self.banked.then(|| Gateway {
            payments: self.bank.clone(),
            methods: Some(self.bank.clone()),
            invoices: self.bank.clone(),
        });
        let ports = BillingPorts {
            store: Arc::new(Everybody(self.store.clone())),
            invoices: self.store.clone(),
            inbox: self.store.clone(),
            outbox: self.store.clone(),
            platform: Arc::new(World),
            notice: Arc::new(World),
            printer: Arc::new(World),
            gateway,
        };
        let (grace, term) = (TimeDelta::days(7), TimeDelta::days(14));
        let settings = BillingSettings { grace, term, quote_key: Zeroizing::new([7; 32]) };
        Billing::new(ports, settings, self.ambient.clone())
    }
}

/// A bank that does what it is told.
#[derive(Default)]
pub(in crate::routes) struct Bank {
    now: Timestamp,
    /// Every change fails with this.
    pub(in crate::routes) mood: Mutex<Mood>,
    sold: Mutex<BTreeMap<String, RemoteSubscription>>,
    methods: Mutex<Vec<PaymentMethod>>,
    pub(in crate::routes) opened: Mutex<Vec<CheckoutRequest>>,
}

/// How it feels.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::routes) enum Mood {
    #[default]
    Kind,
    Asleep,
    Strict,
    Confused,
}

impl Bank {
    pub(in crate::routes) fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> Result<(), GatewayError> {
        match *self.mood.lock().unwrap() {
            Mood::Kind => Ok(()),
            Mood::Asleep => Err(GatewayError::unavailable("no answer")),
            Mood::Strict => Err(GatewayError::Declined("insufficient_funds".to_owned())),
            Mood::Confused => Err(GatewayError::broken("words without sense")),
        }
    }

    /// Somebody paid for this price.
    pub(in crate::routes) fn sell(&self, customer: &str, price: &str, amount: i64) {
        let sold = RemoteSubscription {
            external: "sub_bank".to_owned(),
            price: price.to_owned(),
            amount: Money::new(amount, "USD".parse().unwrap()),
            status: PaymentStatus::Active,
            payment: Payment::Paid,
            created: self.now,
            period: Period::month(self.now, self.now),
            trial_ends_at: None,
            cancel_at_period_end: false,
            scheduled: None,
            ended_at: None,
        };
        self.sold.lock().unwrap().insert(customer.to_owned(), sold);
    }
}

#[async_trait]
impl PaymentGateway for Bank {
    fn provider(&self) -> (PaymentProvider, Capabilities) {
        let all = Capabilities { checkout: true, portal: true, payment_methods: true, retry: true };
        (PaymentProvider::Stripe, all)
    }
    async fn create_customer(&self, _: &CustomerDetails, _: &str) -> Result<String, GatewayError> {
        self.asked().map(|()| "cus_1".to_owned())
    }
    async fn checkout(&self, request: &CheckoutRequest, _: &str) -> Result<Checkout, GatewayError> {
        self.asked()?;
        let mut opened = self.opened.lock().unwrap();
        opened.push(request.clone());
        Ok(Checkout { id: format!("cs_{}", opened.len()), url: "https://bank.example/pay".to_owned() })
    }
    async fn portal(&self, customer: &str, return_url: &str) -> Result<String, GatewayError> {
        self.asked().map(|()| format!("https://bank.example/{customer}?back={return_url}"))
    }
    async fn snapshot(&self, _: OrgId, customer: &str) -> Result<Snapshot, GatewayError> {
        self.asked()?;
        let subscriptions = self.sold.lock().unwrap().get(customer).cloned().into_iter().collect();
        Ok(Snapshot { subscriptions, invoices: Vec::new() })
    }
    async fn preview(&self, _: &str, _: &Command) -> Result<Proration, GatewayError> {
        self.asked()?;
        Ok(Proration { charge_minor: 2450, credit_minor: 950, due: Money::new(1500, "USD".parse().unwrap()) })
    }
    async fn execute(&self, command: &Command, _: &str) -> Result<(), GatewayError> {
        self.asked()?;
        for sold in self.sold.lock().unwrap().values_mut() {
            match command {
                Command::ChangeNow { price, .. } => price.clone_into(&mut sold.price),
                Command::ChangeAtPeriodEnd { price, .. } => sold.scheduled = Some((price.clone(), sold.period.end)),
                Command::CancelAtPeriodEnd { cancel, .. } => sold.cancel_at_period_end = *cancel,
                Command::CancelNow { .. } => sold.status = PaymentStatus::Canceled,
            }
        }
        Ok(())
    }
    async fn touched(&self, _: Timestamp) -> Result<Vec<String>, GatewayError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl PaymentMethods for Bank {
    async fn list(&self, _: &str) -> Result<Vec<PaymentMethod>, GatewayError> {
        self.asked()?;
        Ok(self.methods.lock().unwrap().clone())
    }
    async fn attach(&self, _: &str, method: &str, _: &str) -> Result<PaymentMethod, GatewayError> {
        self.asked()?;
        let added = PaymentMethod {
            id: method.to_owned(),
            kind: "card".to_owned(),
            brand: "visa".to_owned(),
            last4: "4242".to_owned(),
            exp_month: Some(12),
            exp_year: Some(2099),
            is_default: false,
            country: Some("DE".to_owned()),
            funding: Some("credit".to_owned()),
            created: self.now,
        };
        self.methods.lock().unwrap().push(added.clone());
        Ok(added)
    }
    async fn detach(&self, _: &str, method: &str) -> Result<(), GatewayError> {
        self.asked()?;
        self.methods.lock().unwrap().retain(|one| one.id != method);
        Ok(())
    }
    async fn choose(&self, _: &str, method: &str) -> Result<PaymentMethod, GatewayError> {
        self.asked()?;
        let mut methods = self.methods.lock().unwrap();
        for one in methods.iter_mut() {
            one.is_default = one.id == method;
        }
        methods.iter().find(|one| one.is_default).cloned().ok_or(GatewayError::NotFound)
    }
    async fn setup(&self, _: &str, _: &str) -> Result<SetupIntent, GatewayError> {
        self.asked()?;
        Ok(SetupIntent { id: "seti_1".to_owned(), client_secret: "seti_1_secret".into(), publishable_key: None })
    }
}

#[async_trait]
impl ProviderInvoices for Bank {
    async fn pdf(&self, _: &str) -> Result<Vec<u8>, GatewayError> {
        self.asked().map(|()| b"%PDF-1.7 bank".to_vec())
    }
    async fn retry(&self, _: &str, _: &str) -> Result<(), GatewayError> {
        self.asked()
    }
}

/// Accounts of organizations that are made elsewhere.
struct Everybody(Arc<MemoryBilling>);

#[async_trait]
impl BillingStore for Everybody {
    async fn account(&self, org: OrgId, provider: PaymentProvider) -> Result<Option<Account>, StoreError> {
        self.0.add_org(org);
        self.0.account(org, provider).await
    }
    async fn org_of(&self, provider: PaymentProvider, customer: &str) -> Result<Option<OrgId>, StoreError> {
        self.0.org_of(provider, customer).await
    }
    async fn post(&self, posting: &Posting, record: &Record) -> Result<Posted, StoreError> {
        self.0.post(posting, record).await
    }
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        self.0.due(now, limit).await
    }
    async fn accounts(
        &self,
        provider: PaymentProvider,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        self.0.accounts(provider, after, limit).await
    }
    async fn movements(&self, org: OrgId) -> Result<Vec<Movement>, StoreError> {
        self.0.movements(org).await
    }
}

/// The rest of the product.
struct World;

fn offer(plan: &str, level: u8, monthly: i64, seats: u32) -> Offer {
    Offer {
        plan: plan.to_owned(),
        name: plan.to_uppercase(),
        level,
        monthly,
        yearly: monthly * 10,
        currency: "USD".parse().unwrap(),
        seats,
        byok: level > 1,
        calls: Limit::Of(1000),
        features: vec![format!("what {plan} has")],
        is_active: true,
        is_public: true,
        trial_days: 0,
        stripe_monthly: Some(format!("price_{plan}_monthly")),
        stripe_yearly: Some(format!("price_{plan}_yearly")),
        lago_monthly: None,
    }
}

#[async_trait]
impl Platform for World {
    async fn offers(&self) -> Result<Arc<Offers>, StoreError> {
        let plans = [("free", 0, 0, 1), ("starter", 2, 1900, 3), ("professional", 3, 4900, 5)];
        let offers = plans.map(|(plan, level, monthly, seats)| offer(plan, level, monthly, seats));
        Ok(Arc::new(Offers(offers.into())))
    }
    async fn plan_of(&self, _: OrgId) -> Result<Option<String>, StoreError> {
        Ok(Some("free".to_owned()))
    }
    async fn customer(&self, org: OrgId) -> Result<Option<CustomerDetails>, StoreError> {
        Ok(Some(CustomerDetails { org, name: "Acme".to_owned(), email: "ada@example.com".to_owned() }))
    }
    async fn load(&self, _: OrgId) -> Result<Load, StoreError> {
        Ok(Load { seats: 4, keys: 0, calls: 0 })
    }
}

#[async_trait]
impl BillingNotice for World {
    async fn tell(&self, _: OrgId, _: &Notice) -> Result<(), StoreError> {
        Ok(())
    }
}

impl InvoicePrinter for World {
    fn print(&self, invoice: &Invoice) -> Result<Vec<u8>, StoreError> {
        Ok(format!("%PDF-1.7 {}", invoice.number.clone().unwrap_or_default()).into_bytes())
    }
}

/// Believes whoever sends `X-Seal: right`; the body is the event's name.
struct Seal(PaymentProvider);

impl WebhookVerifier for Seal {
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<InboundEvent, BadSignature> {
        let seal = headers.get("X-Seal").ok_or(BadSignature::Missing)?;
        if seal != "right" {
            return Err(BadSignature::Wrong);
        }
        Ok(InboundEvent {
            provider: self.0,
            id: String::from_utf8_lossy(body).chars().take(40).collect(),
            kind: "invoice.paid".to_owned(),
            customer: None,
            received_at: now,
            body: body.to_vec(),
        })
    }
}
