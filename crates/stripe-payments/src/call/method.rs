use billing_core::{GatewayError, PaymentMethod, SetupIntent};
use serde_json::Value;
use stripe_billing::subscription::{ListSubscription, UpdateSubscription};
use stripe_client_core::StripeRequest;
use stripe_core::customer::{
    ListPaymentMethodsCustomer, RetrieveCustomer, UpdateCustomer, UpdateCustomerInvoiceSettings,
};
use stripe_core::setup_intent::{CreateSetupIntent, CreateSetupIntentUsage};
use stripe_payment::payment_method::{AttachPaymentMethod, DetachPaymentMethod, RetrievePaymentMethod};

use crate::gateway::StripeGateway;
use crate::read::{Object, described, id, method};

impl StripeGateway {
    pub(crate) async fn methods(&self, customer: &str) -> Result<Vec<PaymentMethod>, GatewayError> {
        let of = id(customer)?;
        let list = ListPaymentMethodsCustomer::new(of).limit(100);
        let (methods, default) = tokio::try_join!(self.pages(1, |_| list.build()), self.default_method(of))?;
        let read = |value: &Value| method(Object::new(value), default.as_deref());
        let mut methods = methods.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        methods.sort_by_key(|method| !method.is_default);
        Ok(methods)
    }

    /// The name of the method that is charged by default.
    async fn default_method(&self, customer: &str) -> Result<Option<String>, GatewayError> {
        let retrieve = RetrieveCustomer::new(customer).build();
        let (customer, subscriptions) =
            tokio::try_join!(async { Ok(self.ask(retrieve, None).await?) }, self.live_subscriptions(customer))?;
        let running = subscriptions.iter().map(Object::new);
        Ok(described(Object::new(&customer), running).map(str::to_owned))
    }

    async fn live_subscriptions(&self, customer: &str) -> Result<Vec<Value>, GatewayError> {
        let list = ListSubscription::new().customer(customer).limit(100);
        self.pages(1, |_| list.build()).await
    }

    pub(crate) async fn attach_method(
        &self,
        customer: &str,
        name: &str,
        once: &str,
    ) -> Result<PaymentMethod, GatewayError> {
        let attach = AttachPaymentMethod::new(id(name)?).customer(id(customer)?);
        let attached = self.ask(attach.build(), Some(once)).await?;
        let default = self.default_method(customer).await?;
        method(Object::new(&attached), default.as_deref())
    }

    pub(crate) async fn detach_method(&self, customer: &str, name: &str) -> Result<(), GatewayError> {
        self.of_customer(customer, name).await?;
        self.ask(DetachPaymentMethod::new(id(name)?).build(), None).await?;
        Ok(())
    }

    /// One of this customer's. Another customer's is as good as none.
    async fn of_customer(&self, customer: &str, name: &str) -> Result<Value, GatewayError> {
        let found = self.ask(RetrievePaymentMethod::new(id(name)?).build(), None).await?;
        if Object::new(&found).id("/customer") == Some(customer) { Ok(found) } else { Err(GatewayError::NotFound) }
    }

    /// The customer's default, and that of each subscription that has one of its own: checkout gives it the card that it took, and that
    /// one would be charged for ever.
    pub(crate) async fn choose_method(&self, customer: &str, name: &str) -> Result<PaymentMethod, GatewayError> {
        let found = self.of_customer(customer, name).await?;
        let mut settings = UpdateCustomerInvoiceSettings::new();
        settings.default_payment_method = Some(name.to_owned());
        self.ask(UpdateCustomer::new(id(customer)?).invoice_settings(settings).build(), None).await?;
        for value in self.live_subscriptions(customer).await? {
            let subscription = Object::new(&value);
            if subscription.id("/default_payment_method").is_some_and(|own| own != name) {
                let update = UpdateSubscription::new(id(subscription.need("/id")?)?).default_payment_method(name);
                self.ask(update.build(), None).await?;
            }
        }
        method(Object::new(&found), Some(name))
    }

    pub(crate) async fn prepare_method(&self, customer: &str, once: &str) -> Result<SetupIntent, GatewayError> {
        let setup = CreateSetupIntent::new().customer(id(customer)?).usage(CreateSetupIntentUsage::OffSession);
        let setup = self.ask(setup.build(), Some(once)).await?;
        let setup = Object::new(&setup);
        Ok(SetupIntent {
            id: setup.need("/id")?.to_owned(),
            client_secret: setup.need("/client_secret")?.into(),
            publishable_key: self.publishable_key.clone(),
        })
    }
}
