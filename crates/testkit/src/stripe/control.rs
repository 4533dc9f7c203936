//! What a test does to the fake.

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeFault {
    /// Nothing is done, and this is said: 429, 503, …; `Stripe-Should-Retry` says so if it is given. Not kept under the request's key.
    Refused(u16, Option<bool>),
    /// Nothing is done, 500 is said; and said again to whoever comes with the same key, as Stripe does once a request began.
    Crashed,
    /// It is done, and the connection breaks before the answer.
    LostAnswer,
    /// Nothing is done, and nothing is said, while the connection stays open.
    Silence,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeCall {
    /// `POST`
    pub method: String,
    /// `/v1/customers`
    pub path: String,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// What it said, as it came: of a `GET` the query.
    pub params: String,
    /// What was answered; 0 for nothing.
    pub status: u16,
    /// Whether it was done: not refused, and not an answer given again.
    pub done: bool,
}

/// A price that the fake sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripePrice {
    /// `price_…`
    pub id: String,
    /// What it is called.
    pub name: String,
    /// In minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Of how many months a period has: 1 or 12.
    pub months: u32,
}

impl StripePrice {
    /// A price in USD that is paid each month.
    pub fn monthly(id: &str, amount: i64) -> Self {
        Self { id: id.to_owned(), name: id.to_owned(), amount, currency: "usd".to_owned(), months: 1 }
    }

    /// A price in USD that is paid each year.
    pub fn yearly(id: &str, amount: i64) -> Self {
        Self { months: 12, ..Self::monthly(id, amount) }
    }

    /// What is paid of the shipped plans: `price_starter_monthly` at 19.00, `price_starter_yearly` at 190.00, and so on.
    pub fn shipped() -> Vec<Self> {
        let plans = [("starter", 1900), ("professional", 4900), ("enterprise", 9900)];
        let both = plans.iter().flat_map(|(plan, amount)| {
            [
                Self::monthly(&format!("price_{plan}_monthly"), *amount),
                Self::yearly(&format!("price_{plan}_yearly"), amount * 10),
            ]
        });
        both.collect()
    }
}

/// Which version's shapes the events have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StripeShape {
    /// 2026-09-30: periods on the items, an invoice's subscription under `parent`.
    #[default]
    Newer,
    /// 2024-06-20: periods on the subscription, an invoice with `subscription`, `charge` and `payment_intent`.
    Older,
}
