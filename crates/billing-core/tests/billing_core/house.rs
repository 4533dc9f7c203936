//! All of it over doubles.
use std::sync::Arc;
use std::time::Duration;

use billing_core::testing::{MemoryBilling, MemoryNotices, MemoryPlatform, MemoryProvider, PlainPrinter};
use billing_core::{Billing, BillingPorts, BillingSettings, Cycle, Gateway, InboundEvent, PaymentProvider, Purchase};
use chrono::TimeDelta;
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Actor, Ambient, OrgId};
use zeroize::Zeroizing;

use crate::sample::{GRACE, offers};

pub(crate) struct House {
    pub(crate) billing: Billing,
    pub(crate) store: Arc<MemoryBilling>,
    pub(crate) provider: Arc<MemoryProvider>,
    pub(crate) platform: Arc<MemoryPlatform>,
    pub(crate) notices: Arc<MemoryNotices>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ambient: Ambient,
    pub(crate) org: OrgId,
}

impl House {
    fn open(with_provider: bool) -> Self {
        let (clock, ambient) = manual_ambient(7);
        let store = Arc::new(MemoryBilling::new());
        let provider = Arc::new(MemoryProvider::new(offers(), ambient.clone()));
        let platform = Arc::new(MemoryPlatform::new(offers()));
        let notices = Arc::new(MemoryNotices::default());
        let gateway =
            Gateway { payments: provider.clone(), methods: Some(provider.clone()), invoices: provider.clone() };
        let ports = BillingPorts {
            store: store.clone(),
            invoices: store.clone(),
            inbox: store.clone(),
            outbox: store.clone(),
            platform: platform.clone(),
            notice: notices.clone(),
            printer: Arc::new(PlainPrinter),
            gateway: with_provider.then_some(gateway),
        };
        let settings = BillingSettings { grace: GRACE, term: TimeDelta::days(14), quote_key: Zeroizing::new([7; 32]) };
        let org = OrgId::mint(&ambient);
        store.add_org(org);
        let billing = Billing::new(ports, settings, ambient.clone());
        Self { billing, store, provider, platform, notices, clock, ambient, org }
    }

    pub(crate) fn stripe() -> Self {
        Self::open(true)
    }

    pub(crate) fn manual() -> Self {
        Self::open(false)
    }

    pub(crate) fn purchase(plan: &str, cycle: Cycle) -> Purchase {
        let url = |path: &str| format!("https://ops.example.test/{path}");
        Purchase { plan: plan.to_owned(), cycle, success_url: url("paid"), cancel_url: url("not") }
    }

    /// An organization that has bought a plan; the provider's name for it.
    pub(crate) async fn subscribed(&self, plan: &str) -> String {
        let purchase = Self::purchase(plan, Cycle::Monthly);
        self.billing.checkout(&Actor::system(), self.org, &purchase).await.unwrap();
        let customer = self.billing.status(self.org).await.unwrap().account.customer.unwrap();
        self.provider.buy(&customer, &format!("price_{plan}_m"));
        self.event("evt_bought", &customer).await;
        self.rounds().await;
        customer
    }

    pub(crate) async fn event(&self, id: &str, customer: &str) {
        let event = InboundEvent {
            provider: PaymentProvider::Stripe,
            id: id.to_owned(),
            kind: "customer.subscription.updated".to_owned(),
            customer: Some(customer.to_owned()),
            received_at: self.ambient.now(),
            body: b"{}".to_vec(),
        };
        self.billing.receive(&event).await.unwrap();
    }

    /// Works until nothing is left to be done now.
    pub(crate) async fn rounds(&self) {
        for _ in 0..100 {
            if self.billing.work().await.unwrap().is_idle() {
                return;
            }
        }
        panic!("there is always something to be done");
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        self.clock.advance(time.to_std().unwrap_or(Duration::ZERO));
    }

    /// The plan that the organization is on because of money, and how.
    pub(crate) fn has(&self) -> (String, String) {
        self.store.entitled_now(self.org).map(|it| (it.plan, it.status)).unwrap_or_default()
    }
}

pub(crate) fn is(plan: &str, status: &str) -> (String, String) {
    (plan.to_owned(), status.to_owned())
}
