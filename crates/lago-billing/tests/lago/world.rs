use std::sync::Arc;
use std::time::Duration;

use billing_core::{
    Checkout, CheckoutRequest, CustomerDetails, GatewayError, Invoice, PaymentGateway, RemoteSubscription,
};
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Ambient, Clock, OrgId, Timestamp};
use lago_billing::{LagoGateway, LagoOptions};
use testkit::{FakeLago, LagoPlan};

/// A Lago with three plans, a gateway to it, and an organization.
pub struct World {
    pub lago: FakeLago,
    pub gateway: LagoGateway,
    pub org: OrgId,
    pub clock: Arc<ManualClock>,
    pub ambient: Ambient,
}

impl World {
    pub fn new() -> Self {
        let (clock, ambient) = manual_ambient(7);
        let lago = FakeLago::start();
        clock.set(lago.now());
        for (code, amount) in [("free", 0), ("starter", 1900), ("professional", 4900)] {
            lago.sell(LagoPlan::monthly(code, amount));
        }
        let mut yearly = LagoPlan::monthly("professional_yearly", 49_000);
        "yearly".clone_into(&mut yearly.interval);
        lago.sell(yearly);
        let gateway = LagoGateway::new(&options(&lago), ambient.clone()).unwrap();
        Self { lago, gateway, org: OrgId::mint(&ambient), clock, ambient }
    }

    pub fn details(&self) -> CustomerDetails {
        CustomerDetails { org: self.org, name: "Žluťoučký kůň".to_owned(), email: "ada@example.com".to_owned() }
    }

    /// The organization's name at Lago, which it has from now on.
    pub async fn customer(&self) -> String {
        self.gateway.create_customer(&self.details(), "task_1").await.unwrap()
    }

    pub async fn checkout(&self, price: &str) -> Result<Checkout, GatewayError> {
        let request = CheckoutRequest {
            customer: self.org.to_string(),
            price: price.to_owned(),
            success_url: "https://ops.test/ok".to_owned(),
            cancel_url: "https://ops.test/no".to_owned(),
            trial_days: 0,
        };
        self.gateway.checkout(&request, "task_2").await
    }

    /// Buys a plan and pays it; the subscription's name.
    pub async fn buys(&self, price: &str) -> String {
        let customer = self.customer().await;
        let bought = self.checkout(price).await.unwrap();
        assert_eq!(self.lago.pay(&customer), 1);
        bought.id
    }

    pub async fn subscriptions(&self) -> Vec<RemoteSubscription> {
        self.gateway.snapshot(self.org, &self.org.to_string()).await.unwrap().subscriptions
    }

    /// The only subscription.
    pub async fn subscription(&self) -> RemoteSubscription {
        let mut all = self.subscriptions().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub async fn invoices(&self) -> Vec<Invoice> {
        self.gateway.snapshot(self.org, &self.org.to_string()).await.unwrap().invoices
    }

    /// Both clocks show this time.
    pub fn advance_to(&self, time: Timestamp) {
        self.clock.set(time);
        self.lago.advance_to(self.clock.now());
    }
}

pub fn options(lago: &FakeLago) -> LagoOptions {
    let mut options = LagoOptions::new(lago.url(), FakeLago::API_KEY.into());
    options.timeout = Duration::from_secs(5);
    options
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
