use billing_core::{GatewayError, Snapshot};
use kernel::{InvoiceId, OrgId};
use serde_json::Value;
use stripe_billing::invoice::ListInvoice;
use stripe_billing::subscription::{ListSubscription, ListSubscriptionStatus};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::charge::ListCharge;
use stripe_core::dispute::ListDispute;

use crate::gateway::StripeGateway;
use crate::read::{Bill, Charges, Object, deciding, id, invoice, owes, subscription};

/// The most that Stripe puts into a page.
const PAGE: i64 = 100;

impl StripeGateway {
    /// Everything about a customer: its subscriptions, its newest invoices, and what became of the payments that decide.
    pub(crate) async fn look(&self, org: OrgId, customer: &str) -> Result<Snapshot, GatewayError> {
        let customer = id(customer)?;
        let (subscriptions, invoices, charges) =
            tokio::try_join!(self.all_subscriptions(customer), self.newest_invoices(customer), self.charges(customer))?;
        let bills: Vec<_> = invoices.iter().map(|value| Bill::read(Object::new(value))).collect();
        let mut known = Charges::default();
        known.take(charges.iter().map(Object::new));
        let mut found = Snapshot::default();
        for value in &subscriptions {
            let object = Object::new(value);
            let deciding = deciding(object, &bills)?;
            // What has ended gives nothing, whoever paid for it.
            if !matches!(object.text("/status"), Some("canceled" | "incomplete_expired")) {
                self.find_charges(&deciding, &mut known).await?;
            }
            found.subscriptions.push(subscription(object, owes(&deciding, &known))?);
        }
        for value in &invoices {
            let name = InvoiceId::mint(&self.ambient);
            found.invoices.push(invoice(Object::new(value), (name, org), &known)?);
        }
        Ok(found)
    }

    async fn all_subscriptions(&self, customer: &str) -> Result<Vec<Value>, GatewayError> {
        let list = ListSubscription::new().customer(customer).status(ListSubscriptionStatus::All);
        let list = list.limit(PAGE).expand(vec!["data.schedule".to_owned()]);
        self.pages(10, |after| match after {
            Some(after) => list.clone().starting_after(after).build(),
            None => list.build(),
        })
        .await
    }

    async fn newest_invoices(&self, customer: &str) -> Result<Vec<Value>, GatewayError> {
        let list = ListInvoice::new().customer(customer).limit(PAGE).expand(vec!["data.payments".to_owned()]);
        let mut invoices = self.pages(1, |_| list.build()).await?;
        for value in &mut invoices {
            if Object::new(value).flag("/lines/has_more") {
                let path = format!("/invoices/{}/lines", id(Object::new(value).need("/id")?)?);
                let mut request = RequestBuilder::new(StripeMethod::Get, path);
                request.query = Some(format!("limit={PAGE}"));
                let lines = self.ask(request, None).await?;
                if let Some(place) = value.get_mut("lines") {
                    *place = lines;
                }
            }
        }
        Ok(invoices)
    }

    async fn charges(&self, customer: &str) -> Result<Vec<Value>, GatewayError> {
        let list = ListCharge::new().customer(customer).limit(PAGE);
        self.pages(1, |_| list.build()).await
    }

    /// Looks for the payments of these invoices that are not known, and for what banks decided about them.
    async fn find_charges(&self, bills: &[&Bill<'_>], known: &mut Charges) -> Result<(), GatewayError> {
        let names: Vec<&str> = bills.iter().filter(|bill| bill.is_paid()).flat_map(|bill| bill.payments()).collect();
        for name in names {
            if known.get(name).is_none() && name.starts_with("pi_") {
                let list = ListCharge::new().payment_intent(name).limit(PAGE);
                let charges = self.pages(1, |_| list.build()).await?;
                known.take(charges.iter().map(Object::new));
            }
            if let Some(charge) = known.get(name).filter(|charge| charge.questioned) {
                let charge = charge.id.clone();
                let list = ListDispute::new().charge(charge.as_str()).limit(PAGE);
                let disputes = self.pages(1, |_| list.build()).await?;
                known.judge(&charge, disputes.iter().map(Object::new));
            }
        }
        Ok(())
    }
}
