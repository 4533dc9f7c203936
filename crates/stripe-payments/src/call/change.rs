use billing_core::{Command, GatewayError, Money, Proration};
use kernel::Timestamp;
use stripe_billing::invoice::{
    CreatePreviewInvoice, CreatePreviewInvoiceSubscriptionDetails, CreatePreviewInvoiceSubscriptionDetailsItems,
    CreatePreviewInvoiceSubscriptionDetailsProrationBehavior,
};
use stripe_billing::subscription::{
    CancelSubscription, RetrieveSubscription, UpdateSubscription, UpdateSubscriptionItems,
    UpdateSubscriptionPaymentBehavior, UpdateSubscriptionProrationBehavior,
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};

use crate::gateway::{StripeGateway, step};
use crate::read::{Object, Running, id};

impl StripeGateway {
    /// A subscription, as it is now.
    pub(crate) async fn running(&self, external: &str) -> Result<Running, GatewayError> {
        let get = RetrieveSubscription::new(id(external)?).expand(vec!["schedule".to_owned()]);
        Running::read(Object::new(&self.ask(get.build(), None).await?))
    }

    /// What a change now would cost this customer.
    pub(crate) async fn cost(&self, customer: &str, command: &Command) -> Result<Proration, GatewayError> {
        let Command::ChangeNow { external, price, prorated_at, .. } = command else {
            return Err(GatewayError::Unsupported);
        };
        let running = self.running(external).await?;
        if running.customer != customer || running.has_ended {
            return Err(GatewayError::NotFound);
        }
        self.cost_of(external, &running, price, *prorated_at).await
    }

    async fn cost_of(
        &self,
        external: &str,
        running: &Running,
        price: &str,
        at: Timestamp,
    ) -> Result<Proration, GatewayError> {
        let mut item = CreatePreviewInvoiceSubscriptionDetailsItems::new();
        item.id = Some(running.item.clone());
        item.price = Some(price.to_owned());
        item.quantity = Some(running.quantity);
        let mut change = CreatePreviewInvoiceSubscriptionDetails::new();
        change.items = Some(vec![item]);
        change.proration_date = Some(at.timestamp());
        change.proration_behavior = Some(CreatePreviewInvoiceSubscriptionDetailsProrationBehavior::AlwaysInvoice);
        let preview = CreatePreviewInvoice::new().customer(running.customer.as_str()).subscription(external);
        let preview = self.ask(preview.subscription_details(change).build(), None).await?;
        proration(Object::new(&preview), running)
    }

    /// Sells it as another price, if that costs what was quoted, and the money comes. A change that happened before stays as it is.
    pub(crate) async fn change_now(
        &self,
        external: &str,
        price: &str,
        (at, due): (Timestamp, Money),
        once: &str,
    ) -> Result<(), GatewayError> {
        let running = self.running(external).await?;
        if running.has_ended {
            return Err(GatewayError::Refused("the subscription has ended".to_owned()));
        }
        if running.price != price {
            let cost = self.cost_of(external, &running, price, at).await?;
            if cost.due != due {
                return Err(GatewayError::Refused("it does not cost any more what was quoted".to_owned()));
            }
        }
        // What was agreed for the next period would undo the change then.
        self.release(running.schedule.as_deref(), once).await?;
        if running.price == price {
            return Ok(());
        }
        let mut item = UpdateSubscriptionItems::new();
        item.id = Some(running.item.clone());
        item.price = Some(price.to_owned());
        item.quantity = Some(running.quantity);
        let change = UpdateSubscription::new(id(external)?)
            .items(vec![item])
            .proration_date(at.timestamp())
            .proration_behavior(UpdateSubscriptionProrationBehavior::AlwaysInvoice)
            .payment_behavior(UpdateSubscriptionPaymentBehavior::ErrorIfIncomplete);
        let changed = self.ask(change.build(), Some(once)).await.map_err(GatewayError::from);
        if matches!(changed, Err(GatewayError::Declined(_) | GatewayError::Refused(_)))
            && let Some((next, _)) = &running.scheduled
        {
            self.change_later(external, next, &step(once, "again")).await?;
        }
        changed.map(drop)
    }

    /// Lets it end with its period, or not.
    pub(crate) async fn end_with_period(&self, external: &str, cancel: bool, once: &str) -> Result<(), GatewayError> {
        let running = self.running(external).await?;
        if running.has_ended {
            let gone = GatewayError::Refused("the subscription has ended".to_owned());
            return if cancel { Ok(()) } else { Err(gone) };
        }
        self.release(running.schedule.as_deref(), once).await?;
        let path = id(external)?;
        let request = if running.ends_at_time && !cancel {
            // A time that was set by hand is taken away by an empty one, which the library's type does not know.
            let mut request = RequestBuilder::new(StripeMethod::Post, format!("/subscriptions/{path}"));
            request.body = Some("cancel_at=".to_owned());
            request
        } else {
            UpdateSubscription::new(path).cancel_at_period_end(cancel).build()
        };
        self.ask(request, Some(once)).await?;
        Ok(())
    }

    /// Ends it now. One that has ended is not ended again.
    pub(crate) async fn end_now(&self, external: &str) -> Result<(), GatewayError> {
        if self.running(external).await?.has_ended {
            return Ok(());
        }
        match self.ask(CancelSubscription::new(id(external)?).build(), None).await {
            Ok(_) => Ok(()),
            // Somebody was faster, or an answer was lost.
            Err(failure) if failure.is_refusal() && self.running(external).await?.has_ended => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// What a preview asks for now. What belongs to the next period is not asked for now, whatever the preview shows beside.
fn proration(preview: Object<'_>, running: &Running) -> Result<Proration, GatewayError> {
    let total = preview.money("/total")?;
    let (mut charge_minor, mut credit_minor, mut later) = (0_i64, 0_i64, false);
    for line in preview.items("/lines") {
        let amount = line.number("/amount").unwrap_or(0);
        if line.time("/period/start").is_some_and(|start| start >= running.period.end) {
            later = true;
        } else if amount >= 0 {
            charge_minor = charge_minor.saturating_add(amount);
        } else {
            credit_minor = credit_minor.saturating_sub(amount);
        }
    }
    let minor = if later {
        charge_minor.saturating_sub(credit_minor)
    } else if total.minor < 0 {
        total.minor
    } else {
        preview.number("/amount_due").unwrap_or(total.minor)
    };
    Ok(Proration { charge_minor, credit_minor, due: Money::new(minor, total.currency) })
}
