//! Subscriptions: how they begin, change and end, and what a change in the middle of a period costs.

use chrono::DateTime;
use kernel::{Period, Timestamp};
use serde_json::{Value, json};

use super::book::{Book, Outcome, list, number, text};
use super::form::Params;
use super::invoice::Line;
use super::problem::Problem;

/// What is charged for a change, the period after it, and the price.
pub(super) type Change = (Vec<Line>, (i64, i64), Value, i64);

fn moment(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

/// The period of a price that begins at this time, counted from the anchor.
pub(super) fn period(price: &Value, anchor: i64, at: i64) -> (i64, i64) {
    let months = if price["recurring"]["interval"] == "year" { 12 } else { 1 };
    let Period { start, end } = Period::months(moment(anchor), moment(at), months);
    (start.timestamp(), end.timestamp())
}

/// `amount · rest / whole`, rounded half up.
fn share(amount: i64, rest: i64, whole: i64) -> i64 {
    let doubled = 2 * i128::from(amount) * i128::from(rest) + i128::from(whole);
    i64::try_from(doubled / (2 * i128::from(whole))).expect("an amount")
}

pub(super) fn has_ended(subscription: &Value) -> bool {
    matches!(text(subscription, "/status"), "canceled" | "incomplete_expired")
}

impl Book {
    /// A new subscription, with its first invoice, which is not charged yet.
    pub(super) fn begin(&mut self, customer: &str, price: &Value, trial_days: i64, method: &str) -> String {
        let now = self.now();
        let trial = (trial_days > 0).then_some(now + trial_days * 86_400);
        let (start, end) = trial.map_or_else(|| period(price, now, now), |end| (now, end));
        let item = self.name("si");
        let value = json!({"customer": customer, "status": if trial.is_some() { "trialing" } else { "incomplete" }, "currency": price["currency"],
            "billing_cycle_anchor": trial.unwrap_or(now), "start_date": now, "cancel_at_period_end": false, "cancel_at": null, "canceled_at": null,
            "ended_at": null, "trial_start": trial.map(|_| now), "trial_end": trial, "schedule": null, "metadata": {}, "latest_invoice": null,
            "collection_method": "charge_automatically", "default_payment_method": method, "pause_collection": null, "pending_update": null});
        let id = self.make("sub", "subscription", value);
        let item = json!({"id": item, "object": "subscription_item", "created": now, "price": price, "quantity": 1, "subscription": id,
            "current_period_start": start, "current_period_end": end, "metadata": {}});
        self.change(&id, |it| it["items"] = list(&[item]));
        let subscription = self.objects[&id].clone();
        let line = if trial.is_some() {
            let name = format!("Trial period for {}", text(price, "/nickname"));
            Line { description: name, amount: 0, ..regular(price, 1, (start, end)) }
        } else {
            regular(price, 1, (start, end))
        };
        self.issue(&subscription, &[line], "subscription_create");
        id
    }

    pub(super) fn set_status(&mut self, id: &str, status: &str) {
        let before = self.objects[id]["status"].clone();
        self.change(id, |it| it["status"] = json!(status));
        self.tell_of("customer.subscription.updated", self.objects[id].clone(), &json!({"status": before}));
    }

    /// Changes a subscription; nothing at all when it fails and that was wished for.
    pub(super) fn update_subscription(&mut self, id: &str, params: &Params) -> Outcome {
        let saved = (self.objects.clone(), self.order.len(), self.mail.waiting.len(), self.invoices);
        let changed = self.change_subscription(id, params);
        if changed.is_err() {
            self.objects = saved.0;
            self.order.truncate(saved.1);
            self.mail.waiting.truncate(saved.2);
            self.invoices = saved.3;
        }
        changed
    }

    fn change_subscription(&mut self, id: &str, params: &Params) -> Outcome {
        let before = self.get("subscription", id)?;
        if has_ended(&before) {
            return Err(Problem::invalid(
                "A canceled subscription can only update its cancellation_details and metadata.",
            ));
        }
        if before["schedule"].is_string() && (params.has("cancel_at_period_end") || params.has("cancel_at")) {
            return Err(Problem::invalid(
                "The subscription is managed by a subscription schedule, and updating any cancelation behavior directly is not allowed.",
            ));
        }
        if let Some(method) = params.text("default_payment_method") {
            self.method_of(text(&before, "/customer"), method)?;
            self.change(id, |it| it["default_payment_method"] = json!(method));
        }
        if let Some(cancel) = params.flag("cancel_at_period_end") {
            let now = self.now();
            self.change(id, |it| {
                it["cancel_at_period_end"] = json!(cancel);
                it["cancel_at"] =
                    if cancel { it["items"]["data"][0]["current_period_end"].clone() } else { Value::Null };
                it["canceled_at"] = if cancel { json!(now) } else { Value::Null };
            });
        } else if let Some(at) = params.text("cancel_at") {
            self.change(id, |it| it["cancel_at"] = at.parse::<i64>().map_or(Value::Null, |at| json!(at)));
        }
        if params.has("items") {
            self.change_price(&before, params)?;
        }
        self.tell_of(
            "customer.subscription.updated",
            self.objects[id].clone(),
            &json!({"items": before["items"], "cancel_at_period_end": before["cancel_at_period_end"]}),
        );
        self.get("subscription", id)
    }

    fn change_price(&mut self, before: &Value, params: &Params) -> Result<(), Problem> {
        let id = text(before, "/id").to_owned();
        let (lines, (start, end), price, quantity) = self.change_of(before, params)?;
        let anchor = if start == number(before, "/items/data/0/current_period_start") {
            before["billing_cycle_anchor"].clone()
        } else {
            json!(start)
        };
        self.change(&id, |it| {
            it["billing_cycle_anchor"] = anchor;
            let item = &mut it["items"]["data"][0];
            item["price"] = price;
            item["quantity"] = json!(quantity);
            item["current_period_start"] = json!(start);
            item["current_period_end"] = json!(end);
        });
        if lines.is_empty() {
            return Ok(());
        }
        let subscription = self.objects[&id].clone();
        let invoice = self.issue(&subscription, &lines, "subscription_update");
        match self.collect(&invoice) {
            Ok(()) => Ok(()),
            Err(unpaid) if params.text("payment_behavior") == Some("error_if_incomplete") => Err(unpaid.into()),
            Err(_) => {
                self.set_status(&id, "past_due");
                Ok(())
            }
        }
    }

    /// What a change of price means. It is invoiced at once, whichever `proration_behavior` but `none` is asked for.
    pub(super) fn change_of(&self, subscription: &Value, params: &Params) -> Result<Change, Problem> {
        let item = &subscription["items"]["data"][0];
        let wish =
            params.list("items").into_iter().next().ok_or_else(|| Problem::invalid("There is nothing to change."))?;
        if wish.text("id") != item["id"].as_str() {
            return Err(Problem::missing("items[0][id]", wish.text("id").unwrap_or_default()));
        }
        let named = wish.text("price").unwrap_or_else(|| text(item, "/price/id"));
        let price = self.get("price", named).or(Err(Problem::missing("items[0][price]", named)))?;
        if price["currency"] != subscription["currency"] {
            return Err(Problem::invalid("The price is in another currency."));
        }
        let quantity = wish.number("quantity").unwrap_or(1);
        let (start, end) = (number(item, "/current_period_start"), number(item, "/current_period_end"));
        let at = params.number("proration_date").unwrap_or_else(|| self.now());
        if !(start..=end).contains(&at) {
            return Err(Problem::invalid(
                "Cannot specify proration date outside of the current period of a subscription",
            ));
        }
        let (old, old_quantity) = (&item["price"], number(item, "/quantity"));
        let same = old["recurring"]["interval"] == price["recurring"]["interval"];
        let unchanged = old["id"] == price["id"] && old_quantity == quantity;
        let quiet = subscription["status"] == "trialing" || unchanged;
        let next = if same || quiet { (start, end) } else { period(&price, self.now(), self.now()) };
        let mut lines = Vec::new();
        if !quiet && params.text("proration_behavior") != Some("none") {
            let (rest, whole) = (end - at, (end - start).max(1));
            let unused = share(number(old, "/unit_amount") * old_quantity, rest, whole);
            let name = format!("Unused time on {} after {}", text(old, "/nickname"), moment(at).format("%d %b %Y"));
            lines.push(Line {
                description: name,
                amount: -unused,
                proration: true,
                ..regular(old, old_quantity, (at, end))
            });
            if same {
                let used = share(number(&price, "/unit_amount") * quantity, rest, whole);
                let name =
                    format!("Remaining time on {} after {}", text(&price, "/nickname"), moment(at).format("%d %b %Y"));
                lines.push(Line {
                    description: name,
                    amount: used,
                    proration: true,
                    ..regular(&price, quantity, (at, end))
                });
            }
        }
        if !quiet && !same {
            lines.push(regular(&price, quantity, next));
        }
        Ok((lines, next, price, quantity))
    }

    pub(super) fn cancel(&mut self, id: &str) -> Outcome {
        let found = self.get("subscription", id)?;
        if has_ended(&found) {
            return Err(Problem::not_found(id));
        }
        self.end(id);
        self.get("subscription", id)
    }

    pub(super) fn end(&mut self, id: &str) {
        let now = self.now();
        if let Some(schedule) = self.objects[id]["schedule"].as_str().map(str::to_owned) {
            self.change(&schedule, |it| it["status"] = json!("canceled"));
        }
        self.change(id, |it| {
            it["status"] = json!("canceled");
            it["ended_at"] = json!(now);
            it["canceled_at"] = json!(now);
            it["schedule"] = Value::Null;
        });
        for invoice in self.of("invoice", "customer", text(&self.objects[id].clone(), "/customer")) {
            if invoice["status"] == "open" {
                self.change(text(&invoice, "/id"), |it| it["next_payment_attempt"] = Value::Null);
            }
        }
        self.tell("customer.subscription.deleted", id);
    }
}

/// What a whole period of a price costs.
pub(super) fn regular(price: &Value, quantity: i64, period: (i64, i64)) -> Line {
    let amount = number(price, "/unit_amount") * quantity;
    let name = text(price, "/nickname");
    Line {
        description: format!("{quantity} × {name}"),
        price: text(price, "/id").to_owned(),
        quantity,
        amount,
        period,
        proration: false,
    }
}
