use std::time::Duration;

use billing_core::{
    Checkout, CheckoutRequest, Command, CustomerDetails, Money, PaymentGateway, RemoteSubscription, Snapshot,
};
use kernel::{Ambient, OrgId, Timestamp};
use stripe_payments::{StripeGateway, StripeOptions};
use testkit::{FakeStripe, StripePrice};

/// A Stripe, and our gateway to it.
pub struct World {
    pub stripe: FakeStripe,
    pub gateway: StripeGateway,
    pub org: OrgId,
}

pub fn options(stripe: &FakeStripe) -> StripeOptions {
    StripeOptions {
        base_url: Some(stripe.url()),
        publishable_key: Some("pk_test_1".to_owned()),
        first_pause: Duration::from_millis(5),
        per_second: 1000,
        ..StripeOptions::new(stripe.secret_key().into())
    }
}

pub fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut StripeOptions)) -> Self {
        let mut prices = StripePrice::shipped();
        prices.push(StripePrice { currency: "jpy".to_owned(), ..StripePrice::monthly("price_yen", 1900) });
        let stripe = FakeStripe::start(&prices);
        let mut options = options(&stripe);
        change(&mut options);
        let ambient = Ambient::system();
        Self { gateway: StripeGateway::new(options, ambient.clone()).unwrap(), stripe, org: OrgId::mint(&ambient) }
    }

    pub fn details(&self) -> CustomerDetails {
        CustomerDetails { org: self.org, name: "Acme".to_owned(), email: "ada@example.com".to_owned() }
    }

    pub async fn customer(&self) -> String {
        self.gateway.create_customer(&self.details(), &format!("customer-{}", self.org)).await.unwrap()
    }

    pub fn request(customer: &str, price: &str, trial_days: u16) -> CheckoutRequest {
        CheckoutRequest {
            customer: customer.to_owned(),
            price: price.to_owned(),
            success_url: "https://console.example/ok".to_owned(),
            cancel_url: "https://console.example/no".to_owned(),
            trial_days,
        }
    }

    pub async fn open(&self, customer: &str, price: &str, once: &str) -> Checkout {
        self.gateway.checkout(&Self::request(customer, price, 0), once).await.unwrap()
    }

    /// A customer that bought this.
    pub async fn buyer(&self, price: &str) -> String {
        let customer = self.customer().await;
        let checkout = self.open(&customer, price, "checkout").await;
        self.stripe.complete(&checkout.id, "pm_card_visa").unwrap();
        customer
    }

    pub async fn look(&self, customer: &str) -> Snapshot {
        self.gateway.snapshot(self.org, customer).await.unwrap()
    }

    /// The only subscription.
    pub async fn subscription(&self, customer: &str) -> RemoteSubscription {
        let snapshot = self.look(customer).await;
        assert_eq!(snapshot.subscriptions.len(), 1, "{snapshot:?}");
        snapshot.subscriptions.into_iter().next().unwrap()
    }

    pub async fn change_now(&self, customer: &str, price: &str, at: Timestamp) -> (Command, i64) {
        let external = self.subscription(customer).await.external;
        let command =
            Command::ChangeNow { external: external.clone(), price: price.to_owned(), prorated_at: at, due: usd(0) };
        let cost = self.gateway.preview(customer, &command).await.unwrap();
        let due = cost.due;
        (Command::ChangeNow { external, price: price.to_owned(), prorated_at: at, due }, due.minor)
    }
}
