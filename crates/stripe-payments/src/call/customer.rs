use std::collections::HashMap;

use billing_core::{CustomerDetails, GatewayError};
use stripe_billing::billing_portal_session::CreateBillingPortalSession;
use stripe_client_core::StripeRequest;
use stripe_core::customer::{CreateCustomer, UpdateCustomer};

use crate::gateway::StripeGateway;
use crate::read::{Object, id};

impl StripeGateway {
    /// A customer, in two steps: made with what never changes, so that whoever tries again asks for the same; then named. Its metadata
    /// is for people who look at Stripe's pages: nothing here believes it.
    pub(crate) async fn make_customer(&self, who: &CustomerDetails, once: &str) -> Result<String, GatewayError> {
        let metadata = HashMap::from([("org_id".to_owned(), who.org.to_string())]);
        let made = self.ask(CreateCustomer::new().metadata(metadata).build(), Some(once)).await?;
        let customer = id(Object::new(&made).need("/id")?)?.to_owned();
        let mut named = UpdateCustomer::new(customer.as_str()).name(who.name.as_str());
        if !who.email.is_empty() {
            named = named.email(who.email.as_str());
        }
        self.ask(named.build(), None).await?;
        Ok(customer)
    }

    /// Stripe's own page for cards, invoices and addresses.
    pub(crate) async fn open_portal(&self, customer: &str, return_url: &str) -> Result<String, GatewayError> {
        let session = CreateBillingPortalSession::new().customer(id(customer)?).return_url(return_url);
        let session = self.ask(session.build(), None).await?;
        Ok(Object::new(&session).need("/url")?.to_owned())
    }
}
