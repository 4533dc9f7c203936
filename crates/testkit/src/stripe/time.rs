//! What time brings about: renewals, ends of trials, tries to charge again, schedules.

use chrono::DateTime;
use serde_json::json;

use super::book::{Book, number, text};
use super::subscription::{has_ended, period, regular};

/// What is to happen to something by itself.
enum Due {
    Period(String),
    End(String),
    Charge(String),
    Release(String),
    Expire(String),
}

impl Book {
    /// Makes up for all that was due until now, in the order in which it was.
    pub(super) fn catch_up(&mut self) {
        let now = self.now();
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= now) {
            self.during = DateTime::from_timestamp(at, 0);
            match due {
                Due::Period(id) => self.renew(&id, at),
                Due::End(id) => self.end(&id),
                Due::Charge(id) => self.charge_again(&id),
                Due::Release(id) => drop(self.release_schedule(&id)),
                Due::Expire(id) => drop(self.expire_checkout(&id)),
            }
            self.during = None;
        }
    }

    fn next_due(&self) -> Option<(i64, Due)> {
        let mut all = Vec::new();
        for subscription in self.all("subscription").iter().filter(|it| !has_ended(it)) {
            let id = text(subscription, "/id").to_owned();
            let end = number(subscription, "/items/data/0/current_period_end");
            match subscription["cancel_at"].as_i64() {
                Some(at) if at <= end => all.push((at, Due::End(id))),
                _ => all.push((end, Due::Period(id))),
            }
            let last = |schedule: &str| {
                Some((number(self.objects[schedule]["phases"].as_array()?.last()?, "/end_date"), schedule.to_owned()))
            };
            if let Some((at, schedule)) = subscription["schedule"].as_str().and_then(last) {
                // At one and the same time a schedule lets go before a period begins.
                all.insert(0, (at, Due::Release(schedule)));
            }
        }
        for invoice in self.all("invoice") {
            if let (Some(at), true) = (invoice["next_payment_attempt"].as_i64(), invoice["status"] == "open") {
                all.push((at, Due::Charge(text(&invoice, "/id").to_owned())));
            }
        }
        for session in self.of("checkout.session", "status", "open") {
            all.push((number(&session, "/expires_at"), Due::Expire(text(&session, "/id").to_owned())));
        }
        all.into_iter().min_by_key(|(at, _)| *at)
    }

    /// A period ended, or a trial did: the next one begins, at the price that is agreed for it, and is charged.
    fn renew(&mut self, id: &str, at: i64) {
        self.enter_phase(id, at);
        let subscription = self.objects[id].clone();
        let price = &subscription["items"]["data"][0]["price"];
        let next = period(price, number(&subscription, "/billing_cycle_anchor"), at);
        self.change(id, |it| {
            it["items"]["data"][0]["current_period_start"] = json!(next.0);
            it["items"]["data"][0]["current_period_end"] = json!(next.1);
        });
        if subscription["status"] == "unpaid" {
            return;
        }
        let line = regular(price, number(&subscription, "/items/data/0/quantity"), next);
        let invoice = self.issue(&self.objects[id].clone(), &[line], "subscription_cycle");
        let status = if self.collect(&invoice).is_ok() { "active" } else { "past_due" };
        self.set_status(id, status);
    }

    fn charge_again(&mut self, id: &str) {
        let subscription = text(&self.objects[id], "/parent/subscription_details/subscription").to_owned();
        if self.collect(id).is_ok() {
            self.recover(&subscription, id);
        } else if self.objects[id]["next_payment_attempt"].is_null() {
            self.set_status(&subscription, "unpaid");
        }
    }
}
