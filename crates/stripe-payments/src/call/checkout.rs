use billing_core::{Checkout, CheckoutRequest, GatewayError};
use serde_json::Value;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionSubscriptionData,
    ExpireCheckoutSession, ListCheckoutSession,
};
use stripe_client_core::StripeRequest;
use stripe_shared::{CheckoutSessionMode, CheckoutSessionStatus};

use crate::gateway::StripeGateway;
use crate::read::{Object, id};

impl StripeGateway {
    /// A page on which a subscription is bought. Those that were opened before for this customer are closed: of two tabs only one can
    /// take money.
    pub(crate) async fn open_checkout(&self, request: &CheckoutRequest, once: &str) -> Result<Checkout, GatewayError> {
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price = Some(request.price.clone());
        item.quantity = Some(1);
        let mut session = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .customer(id(&request.customer)?)
            .line_items(vec![item])
            .success_url(request.success_url.as_str())
            .cancel_url(request.cancel_url.as_str());
        if request.trial_days > 0 {
            let mut trial = CreateCheckoutSessionSubscriptionData::new();
            trial.trial_period_days = Some(u32::from(request.trial_days));
            session = session.subscription_data(trial);
        }
        let opened = self.ask(session.build(), Some(once)).await?;
        let opened = Object::new(&opened);
        let checkout = Checkout { id: opened.need("/id")?.to_owned(), url: opened.need("/url")?.to_owned() };
        self.close_older(&request.customer, opened).await?;
        Ok(checkout)
    }

    async fn close_older(&self, customer: &str, newest: Object<'_>) -> Result<(), GatewayError> {
        let age = |session: Object<'_>| (session.number("/created"), session.text("/id").map(str::to_owned));
        let newest = age(newest);
        let list = ListCheckoutSession::new().customer(customer).status(CheckoutSessionStatus::Open).limit(100);
        let open: Value = self.ask(list.build(), None).await?;
        for session in Object::new(&open).items("/data") {
            let subscribes = session.text("/mode") == Some("subscription") && session.text("/status") == Some("open");
            if !subscribes || age(session) >= newest {
                continue;
            }
            match self.ask(ExpireCheckoutSession::new(id(session.need("/id")?)?).build(), None).await {
                Ok(_) => {}
                // Paid, or closed by itself, meanwhile: the next look at the customer shows which.
                Err(failure) if failure.is_refusal() => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }
}
