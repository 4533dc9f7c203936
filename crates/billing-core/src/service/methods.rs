//! Payment methods that the provider keeps.
use std::sync::Arc;

use kernel::{Action, Actor, OrgId, TaskId};

use super::billing::Billing;
use super::sync::Change;
use crate::{Account, BillingError, GatewayError, PaymentMethod, PaymentMethods, PaymentStatus, Settles, SetupIntent};

/// An organization's payment methods.
pub type Methods = Vec<PaymentMethod>;

impl Billing {
    /// The organization's payment methods, the default one first; none for an organization that never bought anything.
    pub async fn payment_methods(&self, org: OrgId) -> Result<Methods, BillingError> {
        let methods = self.keeps_methods()?;
        match self.account(org).await?.customer {
            Some(customer) => Ok(methods.list(&customer).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Prepares for a browser that adds one: its number never comes here.
    pub async fn setup(&self, actor: &Actor, org: OrgId) -> Result<SetupIntent, BillingError> {
        let methods = self.keeps_methods()?;
        let account = self.customer(actor, org).await?;
        Ok(methods.setup(of(&account)?, &self.once("setup")).await?)
    }

    /// Adds one that a browser made.
    pub async fn add_method(
        &self,
        actor: &Actor,
        org: OrgId,
        method: &str,
        default: bool,
    ) -> Result<PaymentMethod, BillingError> {
        let methods = self.keeps_methods()?;
        let account = self.customer(actor, org).await?;
        let customer = of(&account)?;
        // One method is attached once, however often that is asked for.
        let mut added = methods.attach(customer, method, &format!("attach_{method}")).await.map_err(missing)?;
        if default && !added.is_default {
            added = methods.choose(customer, method).await.map_err(missing)?;
        }
        self.remember(actor, Action::PaymentMethodAdded, org).await?;
        Ok(added)
    }

    /// Removes one. The last one of a subscription that is charged stays.
    pub async fn remove_method(&self, actor: &Actor, org: OrgId, method: &str) -> Result<(), BillingError> {
        let methods = self.keeps_methods()?;
        let account = self.account(org).await?;
        let customer = of(&account)?;
        let all = methods.list(customer).await?;
        if !all.iter().any(|one| one.id == method) {
            return Err(BillingError::NoSuchMethod);
        }
        let charged =
            |status| matches!(status, PaymentStatus::Active | PaymentStatus::PastDue | PaymentStatus::Trialing);
        if all.len() == 1 && account.live().is_some_and(|it| charged(it.status) && !it.cancel_at_period_end) {
            return Err(BillingError::LastMethod);
        }
        methods.detach(customer, method).await.map_err(missing)?;
        self.remember(actor, Action::PaymentMethodRemoved, org).await
    }

    /// Charges this one by default from now on.
    pub async fn choose_method(&self, actor: &Actor, org: OrgId, method: &str) -> Result<PaymentMethod, BillingError> {
        let methods = self.keeps_methods()?;
        let account = self.account(org).await?;
        let chosen = methods.choose(of(&account)?, method).await.map_err(missing)?;
        self.remember(actor, Action::PaymentMethodChosen, org).await?;
        Ok(chosen)
    }

    fn keeps_methods(&self) -> Result<&Arc<dyn PaymentMethods>, BillingError> {
        self.gateway()?.methods.as_ref().ok_or(BillingError::ProviderUnsupported)
    }

    /// What happened at the provider, for the trail: nothing changes here.
    async fn remember(&self, actor: &Actor, action: Action, org: OrgId) -> Result<(), BillingError> {
        let before = self.account(org).await?;
        let after = before.clone();
        let change = Change { before: &before, after, invoices: Vec::new(), outgoing: None, settles: Settles::Nothing };
        self.insist(actor, action, change).await.map(drop)
    }

    pub(super) fn once(&self, what: &str) -> String {
        format!("{what}_{}", TaskId::mint(&self.ambient))
    }
}

fn of(account: &Account) -> Result<&str, BillingError> {
    account.customer.as_deref().ok_or(BillingError::NoSuchMethod)
}

/// What the provider does not know, or knows as another customer's, is no method of this one.
fn missing(error: GatewayError) -> BillingError {
    match error {
        GatewayError::NotFound => BillingError::NoSuchMethod,
        other => other.into(),
    }
}
