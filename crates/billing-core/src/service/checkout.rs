//! Buying a plan, and the provider's page for customers.
use kernel::{Action, Actor, OrgId};

use super::billing::Billing;
use super::sync::{ATTEMPTS, Change, Outcome};
use crate::{Account, BillingError, Checkout, CheckoutRequest, Cycle, GatewayError, Offer, PaymentStatus, Settles};

/// A plan that is to be bought, and where the browser goes afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// The plan.
    pub plan: String,
    /// How often it is paid.
    pub cycle: Cycle,
    /// An address of this installation.
    pub success_url: String,
    /// An address of this installation.
    pub cancel_url: String,
}

impl Billing {
    /// Opens a page on which the plan is bought. The organization gets it when it is paid, and not before.
    pub async fn checkout(&self, actor: &Actor, org: OrgId, purchase: &Purchase) -> Result<Checkout, BillingError> {
        if !self.capabilities().checkout {
            return Err(BillingError::ProviderUnsupported);
        }
        let offers = self.ports.platform.offers().await?;
        let offer = Self::choose(&offers, &purchase.plan)?;
        if offer.is_free() {
            return Err(BillingError::UnknownPlan(purchase.plan.clone()));
        }
        let account = self.customer(actor, org).await?;
        if account.live().is_some_and(|it| it.status != PaymentStatus::Incomplete) {
            return Err(BillingError::AlreadySubscribed);
        }
        self.open_checkout(&account, offer, purchase).await
    }

    pub(super) async fn open_checkout(
        &self,
        account: &Account,
        offer: &Offer,
        purchase: &Purchase,
    ) -> Result<Checkout, BillingError> {
        let gateway = self.gateway()?;
        let price = offer.sold_as(self.provider(), purchase.cycle);
        let request = CheckoutRequest {
            customer: account.customer.clone().ok_or(BillingError::NoCustomer)?,
            price: price.ok_or_else(|| BillingError::NotSold(offer.plan.clone()))?,
            success_url: purchase.success_url.clone(),
            cancel_url: purchase.cancel_url.clone(),
            // Who had a subscription before has had a trial.
            trial_days: if account.subscription.is_none() { offer.trial_days } else { 0 },
        };
        // Two clicks open two pages, of which one is paid: the second is refused when it is looked at (WH-5), not here.
        let once = format!("checkout_{}", kernel::TaskId::mint(&self.ambient));
        Ok(gateway.payments.checkout(&request, &once).await?)
    }

    /// Opens the provider's page on which a customer looks after its payment.
    pub async fn portal(&self, org: OrgId, return_url: &str) -> Result<String, BillingError> {
        if !self.capabilities().portal {
            return Err(BillingError::ProviderUnsupported);
        }
        let customer = self.account(org).await?.customer.ok_or(BillingError::NoCustomer)?;
        match self.gateway()?.payments.portal(&customer, return_url).await {
            Err(GatewayError::NotFound) => Err(BillingError::NoCustomer),
            answer => Ok(answer?),
        }
    }

    /// The account of an organization that is a customer: it becomes one if it is not yet. Of any number of callers all get the same one,
    /// since the provider is asked under the organization's own name.
    pub(super) async fn customer(&self, actor: &Actor, org: OrgId) -> Result<Account, BillingError> {
        let gateway = self.gateway()?;
        for _ in 0..ATTEMPTS {
            let before = self.account(org).await?;
            if before.customer.is_some() {
                return Ok(before);
            }
            let who = self.customer_details(org).await?;
            let customer = gateway.payments.create_customer(&who, &format!("customer_{org}")).await?;
            let after = Account { customer: Some(customer), ..before.clone() };
            let change =
                Change { before: &before, after, invoices: Vec::new(), outgoing: None, settles: Settles::Nothing };
            if let Outcome::Posted(account) = self.post(actor, Action::CustomerCreated, change).await? {
                return Ok(*account);
            }
        }
        Err(BillingError::ChangePending)
    }
}
