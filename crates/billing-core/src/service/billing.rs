use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{Action, Actor, Ambient, OrgId, Record};
use zeroize::Zeroizing;

use crate::{
    Account, BillingError, BillingNotice, BillingStore, Capabilities, CustomerDetails, Inbox, InvoicePrinter,
    InvoiceStore, Offer, Offers, Outbox, PaidSubscription, PaymentGateway, PaymentMethods, PaymentProvider, Platform,
    ProviderInvoices,
};

/// A payment provider, with what it can do.
#[derive(Clone)]
pub struct Gateway {
    /// Subscriptions.
    pub payments: Arc<dyn PaymentGateway>,
    /// Cards, if it keeps them.
    pub methods: Option<Arc<dyn PaymentMethods>>,
    /// Single invoices.
    pub invoices: Arc<dyn ProviderInvoices>,
}

/// What the use cases stand on.
#[derive(Clone)]
pub struct BillingPorts {
    /// Accounts.
    pub store: Arc<dyn BillingStore>,
    /// Invoices.
    pub invoices: Arc<dyn InvoiceStore>,
    /// What providers sent.
    pub inbox: Arc<dyn Inbox>,
    /// What providers are asked to do.
    pub outbox: Arc<dyn Outbox>,
    /// The rest of the product.
    pub platform: Arc<dyn Platform>,
    /// Tells owners.
    pub notice: Arc<dyn BillingNotice>,
    /// Makes documents of the manual provider's invoices.
    pub printer: Arc<dyn InvoicePrinter>,
    /// The payment provider; `None` is the manual one.
    pub gateway: Option<Gateway>,
}

/// How money is handled here.
#[derive(Clone)]
pub struct BillingSettings {
    /// How long access goes on though a payment is missing.
    pub grace: TimeDelta,
    /// How long there is time to pay an invoice of the manual provider.
    pub term: TimeDelta,
    /// What quotes are proved with.
    pub quote_key: Zeroizing<[u8; 32]>,
}

/// Money, for an organization's people, for its provider's events, and for the operator.
#[derive(Clone)]
pub struct Billing {
    pub(super) ports: BillingPorts,
    pub(super) settings: BillingSettings,
    pub(super) ambient: Ambient,
}

/// Where an organization stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its account.
    pub account: Account,
    /// The plan that is paid for, if it is still in the catalogue.
    pub offer: Option<Offer>,
}

impl Billing {
    /// The use cases over these ports.
    pub fn new(ports: BillingPorts, settings: BillingSettings, ambient: Ambient) -> Self {
        Self { ports, settings, ambient }
    }

    /// Who takes the money.
    pub fn provider(&self) -> PaymentProvider {
        self.ports.gateway.as_ref().map_or(PaymentProvider::Manual, |gateway| gateway.payments.provider().0)
    }

    /// What the provider can do.
    pub fn capabilities(&self) -> Capabilities {
        let none = Capabilities { checkout: false, portal: false, payment_methods: false, retry: false };
        self.ports.gateway.as_ref().map_or(none, |gateway| gateway.payments.provider().1)
    }

    /// Where an organization stands, as far as is known here.
    pub async fn status(&self, org: OrgId) -> Result<Status, BillingError> {
        let account = self.account(org).await?;
        let offers = self.ports.platform.offers().await?;
        let offer = account.subscription.as_ref().and_then(|it| offers.plan(&it.plan)).cloned();
        Ok(Status { account, offer })
    }

    /// The organization's account.
    pub(super) async fn account(&self, org: OrgId) -> Result<Account, BillingError> {
        self.ports.store.account(org, self.provider()).await?.ok_or(BillingError::NoSuchOrg)
    }

    /// What the organization pays for.
    pub(super) fn live(account: &Account) -> Result<&PaidSubscription, BillingError> {
        account.live().ok_or(BillingError::NoSubscription)
    }

    /// The payment provider.
    pub(super) fn gateway(&self) -> Result<&Gateway, BillingError> {
        self.ports.gateway.as_ref().ok_or(BillingError::ProviderUnsupported)
    }

    /// A plan that can be chosen by everybody.
    pub(super) fn choose<'a>(offers: &'a Offers, plan: &str) -> Result<&'a Offer, BillingError> {
        let offer = offers.plan(plan).filter(|offer| offer.is_active && offer.is_public);
        offer.ok_or_else(|| BillingError::UnknownPlan(plan.to_owned()))
    }

    /// Who gets the bills.
    pub(super) async fn customer_details(&self, org: OrgId) -> Result<CustomerDetails, BillingError> {
        self.ports.platform.customer(org).await?.ok_or(BillingError::NoSuchOrg)
    }

    /// A record about an organization's account.
    pub(super) fn record(&self, actor: &Actor, action: Action, org: OrgId) -> Record {
        Record::new(&self.ambient, actor, action, "billing_account", org).within(org)
    }
}
