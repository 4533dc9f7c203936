//! Subscription schedules: what a subscription will be sold as, and from when.

use serde_json::{Value, json};

use super::book::{Book, Outcome, number, text};
use super::form::Params;
use super::problem::Problem;
use super::subscription::{has_ended, period};

impl Book {
    /// Only from a subscription that runs: of one phase, its period now.
    pub(super) fn create_schedule(&mut self, params: &Params) -> Outcome {
        let subscription = self.named("subscription", params, "from_subscription")?;
        if has_ended(&subscription) || subscription["schedule"].is_string() {
            return Err(Problem::invalid("The subscription has ended, or is managed by a schedule already."));
        }
        let item = &subscription["items"]["data"][0];
        let (start, end) = (&item["current_period_start"], &item["current_period_end"]);
        let behavior = if subscription["cancel_at_period_end"] == true { "cancel" } else { "release" };
        let value = json!({"customer": subscription["customer"], "subscription": subscription["id"], "status": "active",
            "end_behavior": behavior, "released_at": null, "released_subscription": null, "completed_at": null, "canceled_at": null, "metadata": {},
            "current_phase": {"start_date": start, "end_date": end},
            "phases": [{"start_date": start, "end_date": end, "items": [{"price": item["price"]["id"], "quantity": item["quantity"]}],
                "discounts": [], "default_tax_rates": [], "proration_behavior": "create_prorations", "trial_end": subscription["trial_end"]}]});
        let id = self.make("sub_sched", "subscription_schedule", value);
        self.change(text(&subscription, "/id"), |it| it["schedule"] = json!(id));
        self.tell("subscription_schedule.created", &id);
        self.get("subscription_schedule", &id)
    }

    pub(super) fn update_schedule(&mut self, id: &str, params: &Params) -> Outcome {
        let schedule = self.running_schedule(id)?;
        let wished = params.list("phases");
        let phases =
            if wished.is_empty() { schedule["phases"].clone() } else { json!(self.phases(&schedule, &wished)?) };
        self.change(id, |it| {
            it["current_phase"] = json!({"start_date": phases[0]["start_date"], "end_date": phases[0]["end_date"]});
            it["phases"] = phases;
            if let Some(behavior) = params.text("end_behavior") {
                it["end_behavior"] = json!(behavior);
            }
        });
        self.tell("subscription_schedule.updated", id);
        self.tell("customer.subscription.updated", text(&schedule, "/subscription"));
        self.get("subscription_schedule", id)
    }

    fn phases(&self, schedule: &Value, wished: &[Params]) -> Result<Vec<Value>, Problem> {
        let mut phases: Vec<Value> = Vec::new();
        for wish in wished {
            if wish.has("iterations") {
                return Err(Problem::coded("parameter_unknown", "Received unknown parameter: phases[iterations]"));
            }
            let item = wish.list("items").into_iter().next().ok_or_else(|| Problem::invalid("A phase needs items."))?;
            let price = self.named("price", &item, "price")?;
            let start = match phases.last() {
                Some(last) => number(last, "/end_date"),
                None => wish.number("start_date").unwrap_or_default(),
            };
            if phases.is_empty() && start != number(schedule, "/current_phase/start_date") {
                return Err(Problem::invalid("You can not modify the start date of the current phase."));
            }
            let months = if wish.text("duration/interval") == Some("month") {
                json!({"recurring": {"interval": "month"}})
            } else {
                price.clone()
            };
            let end = wish.number("end_date").unwrap_or_else(|| period(&months, start, start).1);
            if end <= start {
                return Err(Problem::invalid("A phase must end after it begins."));
            }
            phases.push(json!({"start_date": start, "end_date": end, "items": [{"price": price["id"], "quantity": item.number("quantity").unwrap_or(1)}],
                "discounts": [], "default_tax_rates": [], "proration_behavior": wish.text("proration_behavior").unwrap_or("create_prorations"),
                "trial_end": wish.number("trial_end")}));
        }
        Ok(phases)
    }

    fn running_schedule(&self, id: &str) -> Outcome {
        let schedule = self.get("subscription_schedule", id)?;
        if schedule["status"] == "active" {
            Ok(schedule)
        } else {
            Err(Problem::invalid("The schedule is not active any more."))
        }
    }

    pub(super) fn release_schedule(&mut self, id: &str) -> Outcome {
        let schedule = self.running_schedule(id)?;
        let (subscription, now) = (text(&schedule, "/subscription").to_owned(), self.now());
        self.change(id, |it| {
            it["status"] = json!("released");
            it["released_at"] = json!(now);
            it["released_subscription"] = it["subscription"].take();
        });
        self.change(&subscription, |it| it["schedule"] = Value::Null);
        self.tell("subscription_schedule.released", id);
        self.tell("customer.subscription.updated", &subscription);
        self.get("subscription_schedule", id)
    }

    /// Enters the phase that begins at this time, if there is one: the price from then on.
    pub(super) fn enter_phase(&mut self, subscription: &str, at: i64) {
        let Some(schedule) = self.objects[subscription]["schedule"].as_str().map(str::to_owned) else { return };
        let phases = self.objects[&schedule]["phases"].as_array().cloned().unwrap_or_default();
        let Some(phase) = phases.iter().find(|phase| phase["start_date"] == at) else { return };
        let price = self.objects[text(phase, "/items/0/price")].clone();
        let dates = json!({"start_date": phase["start_date"], "end_date": phase["end_date"]});
        self.change(&schedule, |it| it["current_phase"] = dates);
        let same = self.objects[subscription]["items"]["data"][0]["price"]["recurring"] == price["recurring"];
        self.change(subscription, |it| {
            it["items"]["data"][0]["price"] = price;
            if !same {
                it["billing_cycle_anchor"] = json!(at);
            }
        });
    }
}
