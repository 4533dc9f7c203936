//! Plans that are sold, and subscriptions to them.
use billing_core::{
    Access, Account, Currency, CustomerDetails, Cycle, Money, Offer, Offers, PaidSubscription, Payment,
    PaymentProvider, PaymentStatus, RemoteSubscription,
};
use chrono::TimeDelta;
use kernel::testing::manual_ambient;
use kernel::{Ambient, InvoiceId, Limit, OrgId, SubscriptionId, Timestamp};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The middle of a month.
pub(crate) fn noon() -> Timestamp {
    at("2026-11-16T00:00:00Z")
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

pub(crate) fn offer(plan: &str, level: u8, monthly: i64, currency: Currency) -> Offer {
    Offer {
        plan: plan.to_owned(),
        name: plan.to_uppercase(),
        level,
        monthly,
        yearly: monthly * 10,
        currency,
        seats: 1 + u32::from(level),
        byok: level > 1,
        calls: Limit::Of(1000 * u64::from(level.max(1))),
        features: Vec::new(),
        is_active: true,
        is_public: true,
        trial_days: 0,
        stripe_monthly: Some(format!("price_{plan}_m")),
        stripe_yearly: Some(format!("price_{plan}_y")),
        lago_monthly: Some(plan.to_owned()),
    }
}

pub(crate) fn offers_in(currency: &str) -> Offers {
    let currency = currency.parse().unwrap();
    Offers(vec![
        offer("free", 0, 0, currency),
        offer("starter", 2, 1900, currency),
        offer("professional", 3, 4900, currency),
        offer("enterprise", 4, 9900, currency),
    ])
}

pub(crate) fn offers() -> Offers {
    offers_in("USD")
}

pub(crate) struct World {
    pub(crate) ambient: Ambient,
    pub(crate) org: OrgId,
    pub(crate) subscription: SubscriptionId,
}

pub(crate) fn world() -> World {
    let (_, ambient) = manual_ambient(1);
    World { org: OrgId::mint(&ambient), subscription: SubscriptionId::mint(&ambient), ambient }
}

impl World {
    pub(crate) fn account(&self, provider: PaymentProvider) -> Account {
        Account { customer: Some("cus_1".to_owned()), ..Account::new(self.org, provider) }
    }

    pub(crate) fn invoice(&self) -> InvoiceId {
        InvoiceId::mint(&self.ambient)
    }

    pub(crate) fn customer(&self) -> CustomerDetails {
        CustomerDetails { org: self.org, name: "Ada Ltd".to_owned(), email: "ada@example.test".to_owned() }
    }

    /// A subscription to `starter` that is paid, of the month around noon.
    pub(crate) fn paid(&self) -> PaidSubscription {
        let anchor = at("2026-11-01T00:00:00Z");
        PaidSubscription {
            id: self.subscription,
            external: Some("sub_1".to_owned()),
            plan: "starter".to_owned(),
            cycle: Cycle::Monthly,
            amount: usd(1900),
            status: PaymentStatus::Active,
            anchor,
            period: Cycle::Monthly.period(anchor, noon()),
            trial_ends_at: None,
            cancel_at_period_end: false,
            past_due_since: None,
            pending: None,
            ended_at: None,
        }
    }

    pub(crate) fn account_with(&self, subscription: PaidSubscription, access: Access) -> Account {
        let account = self.account(PaymentProvider::Stripe);
        Account { subscription: Some(subscription), access: Some(access), version: 3, ..account }
    }
}

/// What Stripe says of a subscription to `plan`.
pub(crate) fn remote(plan: &str, status: PaymentStatus, payment: Payment) -> RemoteSubscription {
    let created = at("2026-11-01T00:00:00Z");
    RemoteSubscription {
        external: "sub_1".to_owned(),
        price: format!("price_{plan}_m"),
        amount: usd(1900),
        status,
        payment,
        created,
        period: Cycle::Monthly.period(created, noon()),
        trial_ends_at: None,
        cancel_at_period_end: false,
        scheduled: None,
        ended_at: None,
    }
}

pub(crate) const GRACE: TimeDelta = TimeDelta::days(7);
