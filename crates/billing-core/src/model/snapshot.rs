use kernel::{Period, Timestamp};

use super::{invoice::Invoice, money::Money, subscription::PaymentStatus};

/// Whether the newest invoice of a subscription was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payment {
    /// It was.
    Paid,
    /// There was nothing to pay: a trial, or a price of zero.
    NotRequired,
    /// Not yet, or it failed.
    Unpaid,
    /// It was, and all of it was given back.
    Refunded,
    /// It was, and the customer's bank takes it back.
    Disputed,
}

/// A subscription, as a provider says it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSubscription {
    /// The provider's name for it.
    pub external: String,
    /// What is sold, by the provider's name: a Stripe price, a Lago plan code.
    pub price: String,
    /// What a cycle costs there.
    pub amount: Money,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Whether its newest invoice was paid.
    pub payment: Payment,
    /// When it began.
    pub created: Timestamp,
    /// The period now.
    pub period: Period,
    /// When a trial ends.
    pub trial_ends_at: Option<Timestamp>,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// What it will be sold as, and from when, if that is agreed.
    pub scheduled: Option<(String, Timestamp)>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Everything that a provider says about a customer, read at once. Read, not pieced together from events: so any order and any number of
/// events end in the same (WH-4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All subscriptions, ended ones too.
    pub subscriptions: Vec<RemoteSubscription>,
    /// The newest invoices, at most 100.
    pub invoices: Vec<Invoice>,
}
