//! What the fake Lago keeps, and what happens to it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use kernel::{Period, Timestamp};
use serde_json::Value;

use super::{LagoFault, LagoPlan};

pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) external: String,
    pub(super) customer: String,
    pub(super) plan: String,
    pub(super) trial_days: u32,
    pub(super) status: &'static str,
    pub(super) created: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) ending: Option<Timestamp>,
    /// Periods are counted from here.
    pub(super) anchor: Timestamp,
    pub(super) ended: Option<Timestamp>,
    /// Until here periods are invoiced.
    pub(super) invoiced_to: Timestamp,
}

impl Subscription {
    pub(super) fn trial_end(&self) -> Option<Timestamp> {
        let days = chrono::TimeDelta::days(i64::from(self.trial_days));
        self.started.filter(|_| self.trial_days > 0).map(|started| started + days)
    }
}

pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) number: String,
    pub(super) customer: String,
    pub(super) external: String,
    pub(super) plan: String,
    pub(super) currency: String,
    pub(super) status: &'static str,
    pub(super) payment_status: &'static str,
    pub(super) fee: i64,
    pub(super) credit: i64,
    pub(super) tax: i64,
    pub(super) period: Period,
    pub(super) disputed: Option<Timestamp>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl Invoice {
    pub(super) fn total(&self) -> i64 {
        (self.fee + self.tax - self.credit).max(0)
    }

    pub(super) fn is_open(&self) -> bool {
        self.status == "finalized" && self.payment_status != "succeeded"
    }
}

pub(super) struct Payment {
    pub(super) invoice: String,
    pub(super) customer: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) at: Timestamp,
}

pub(super) struct CreditNote {
    pub(super) invoice: String,
    pub(super) customer: String,
    pub(super) refund: i64,
}

/// Everything.
pub(super) struct Book {
    pub(super) address: SocketAddr,
    pub(super) now: Timestamp,
    pub(super) plans: BTreeMap<String, LagoPlan>,
    pub(super) customers: BTreeMap<String, Value>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) invoices: Vec<Invoice>,
    pub(super) payments: Vec<Payment>,
    pub(super) notes: Vec<CreditNote>,
    pub(super) tax_percent: i64,
    pub(super) payment_provider: bool,
    pub(super) premium: bool,
    pub(super) documents: bool,
    pub(super) faults: VecDeque<Option<LagoFault>>,
    pub(super) requests: Vec<String>,
    pub(super) bodies: Vec<Value>,
    serial: u64,
}

impl Book {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            now: Timestamp::from_timestamp(1_893_456_000, 0).expect("a time"),
            plans: BTreeMap::new(),
            customers: BTreeMap::new(),
            subscriptions: Vec::new(),
            invoices: Vec::new(),
            payments: Vec::new(),
            notes: Vec::new(),
            tax_percent: 0,
            payment_provider: true,
            premium: true,
            documents: true,
            faults: VecDeque::new(),
            requests: Vec::new(),
            bodies: Vec::new(),
            serial: 0,
        }
    }

    /// The next UUID.
    pub(super) fn id(&mut self) -> String {
        self.serial += 1;
        format!("1a901a90-1a90-4a90-8a90-{:012x}", self.serial)
    }

    /// The subscription of this name in this status.
    pub(super) fn of(&mut self, external: &str, status: &str) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().rev().find(|it| it.external == external && it.status == status)
    }

    /// Begins a subscription now, and invoices it when it is to be paid in advance.
    pub(super) fn begin(
        &mut self,
        external: &str,
        customer: &str,
        plan: &str,
        trial_days: u32,
        anchor: Option<Timestamp>,
    ) {
        let (id, now) = (self.id(), self.now);
        self.subscriptions.push(Subscription {
            id,
            external: external.to_owned(),
            customer: customer.to_owned(),
            plan: plan.to_owned(),
            trial_days,
            status: "active",
            created: now,
            started: Some(now),
            ending: None,
            anchor: anchor.unwrap_or(now),
            ended: None,
            invoiced_to: now,
        });
    }

    /// Makes an invoice of a subscription, and adds the tax.
    pub(super) fn invoice(&mut self, external: &str, fee: i64, credit: i64, period: Period) {
        let (id, now) = (self.id(), self.now);
        let number = format!("LAG-1234-{:03}", self.invoices.len() + 1);
        let subscription = self.of(external, "active").expect("a subscription that is invoiced");
        let (customer, plan) = (subscription.customer.clone(), subscription.plan.clone());
        let currency = self.plans[&plan].currency.clone();
        let tax = fee * self.tax_percent / 100;
        let covered = fee + tax <= credit;
        self.invoices.push(Invoice {
            id,
            number,
            customer,
            external: external.to_owned(),
            plan,
            currency,
            status: "finalized",
            payment_status: if covered { "succeeded" } else { "pending" },
            fee,
            credit: credit.min(fee + tax),
            tax,
            period,
            disputed: None,
            created: now,
            updated: now,
        });
    }

    pub(super) fn pay(&mut self, customer: &str) -> usize {
        let (now, mut paid) = (self.now, Vec::new());
        for invoice in self.invoices.iter_mut().filter(|it| it.customer == customer && it.is_open()) {
            (invoice.payment_status, invoice.updated) = ("succeeded", now);
            let (id, amount, currency) = (invoice.id.clone(), invoice.total(), invoice.currency.clone());
            paid.push(Payment { invoice: id, customer: customer.to_owned(), amount, currency, at: now });
        }
        let count = paid.len();
        self.payments.extend(paid);
        count
    }

    pub(super) fn decline(&mut self, customer: &str) -> usize {
        let (now, mut count) = (self.now, 0);
        for invoice in self.invoices.iter_mut().filter(|it| it.customer == customer && it.is_open()) {
            (invoice.payment_status, invoice.updated) = ("failed", now);
            count += 1;
        }
        count
    }

    fn last_paid(&mut self, customer: &str) -> &mut Invoice {
        let paid = |it: &&mut Invoice| it.customer == customer && it.payment_status == "succeeded";
        self.invoices.iter_mut().rev().find(paid).expect("an invoice that was paid")
    }

    pub(super) fn refund(&mut self, customer: &str) {
        let now = self.now;
        let invoice = self.last_paid(customer);
        invoice.updated = now;
        let note = CreditNote { invoice: invoice.id.clone(), customer: customer.to_owned(), refund: invoice.total() };
        self.notes.push(note);
    }

    pub(super) fn dispute(&mut self, customer: &str) {
        let now = self.now;
        let invoice = self.last_paid(customer);
        (invoice.disputed, invoice.updated) = (Some(now), now);
    }
}
