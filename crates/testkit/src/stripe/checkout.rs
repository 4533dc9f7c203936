//! Checkout sessions: the page on which a subscription is bought.

use serde_json::{Value, json};

use super::book::{Book, Outcome, text};
use super::form::Params;
use super::problem::Problem;

impl Book {
    pub(super) fn create_checkout(&mut self, params: &Params) -> Outcome {
        let customer = self.named("customer", params, "customer")?;
        if params.text("mode") != Some("subscription") {
            return Err(Problem::invalid("The fake sells subscriptions only."));
        }
        let item =
            params.list("line_items").into_iter().next().ok_or_else(|| Problem::invalid("There is nothing to buy."))?;
        let price = self
            .named("price", &item, "price")
            .or(Err(Problem::missing("line_items[0][price]", item.text("price").unwrap_or_default())))?;
        let value = json!({"customer": customer["id"], "mode": "subscription", "status": "open", "payment_status": "unpaid", "price": price["id"],
            "trial_days": params.number("subscription_data/trial_period_days").unwrap_or(0), "expires_at": self.now() + 86_400,
            "success_url": params.text("success_url"), "cancel_url": params.text("cancel_url"), "subscription": null, "invoice": null,
            "metadata": params.0.get("metadata").cloned().unwrap_or_else(|| json!({})), "client_reference_id": params.text("client_reference_id"),
            "currency": price["currency"], "amount_total": price["unit_amount"]});
        let id = self.make("cs_test", "checkout.session", value);
        let url = format!("{}/checkout/{id}", self.base);
        self.change(&id, |it| it["url"] = json!(url));
        self.get("checkout.session", &id)
    }

    fn open_checkout(&self, id: &str) -> Outcome {
        let session = self.get("checkout.session", id)?;
        if session["status"] == "open" {
            Ok(session)
        } else {
            Err(Problem::invalid("Only Checkout Sessions with a status in [\"open\"] can be expired or paid."))
        }
    }

    pub(super) fn expire_checkout(&mut self, id: &str) -> Outcome {
        self.open_checkout(id)?;
        self.change(id, |it| {
            it["status"] = json!("expired");
            it["url"] = Value::Null;
        });
        self.tell("checkout.session.expired", id);
        self.get("checkout.session", id)
    }

    /// The customer pays with this card; a card that does not pay leaves the page open. With `later` the money has not come yet when the
    /// page closes, as with a bank debit: the subscription is active all the same.
    pub(super) fn complete_checkout(&mut self, id: &str, card: &str, later: bool) -> Outcome {
        let saved = (self.objects.clone(), self.order.len(), self.mail.waiting.len(), self.invoices);
        let done = self.buy(id, card, later);
        if done.is_err() {
            self.objects = saved.0;
            self.order.truncate(saved.1);
            self.mail.waiting.truncate(saved.2);
            self.invoices = saved.3;
        }
        done
    }

    fn buy(&mut self, id: &str, card: &str, later: bool) -> Outcome {
        let session = self.open_checkout(id)?;
        let customer = text(&session, "/customer").to_owned();
        let method = self.attach(card, &customer)?;
        let price = self.get("price", text(&session, "/price"))?;
        let trial = session["trial_days"].as_i64().unwrap_or(0);
        let subscription = self.begin(&customer, &price, trial, text(&method, "/id"));
        let invoice = text(&self.objects[&subscription], "/latest_invoice").to_owned();
        if !later {
            self.collect(&invoice)?;
        }
        if trial == 0 {
            self.change(&subscription, |it| it["status"] = json!("active"));
        }
        self.tell("customer.subscription.created", &subscription);
        let status = if trial > 0 {
            "no_payment_required"
        } else if later {
            "unpaid"
        } else {
            "paid"
        };
        self.change(id, |it| {
            it["status"] = json!("complete");
            it["payment_status"] = json!(status);
            it["subscription"] = json!(subscription);
            it["invoice"] = json!(invoice);
            it["url"] = Value::Null;
        });
        self.tell("checkout.session.completed", id);
        self.get("checkout.session", id)
    }

    /// The money of a session that was left unpaid comes, or does not.
    pub(super) fn settle_checkout(&mut self, id: &str, comes: bool) -> Outcome {
        let session = self.get("checkout.session", id)?;
        let (invoice, subscription) =
            (text(&session, "/invoice").to_owned(), text(&session, "/subscription").to_owned());
        if comes {
            self.collect(&invoice)?;
            self.change(id, |it| it["payment_status"] = json!("paid"));
            self.tell("checkout.session.async_payment_succeeded", id);
        } else {
            self.tell("checkout.session.async_payment_failed", id);
            self.tell("invoice.payment_failed", &invoice);
            self.set_status(&subscription, "past_due");
        }
        self.get("checkout.session", id)
    }
}
