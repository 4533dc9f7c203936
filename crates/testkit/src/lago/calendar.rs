//! Periods: what is invoiced when, and what happens at their end.

use kernel::{Period, Timestamp};

use super::LagoPlan;
use super::book::{Book, Subscription};

impl LagoPlan {
    fn months(&self) -> u32 {
        if self.interval == "yearly" { 12 } else { 1 }
    }

    /// What a year costs, which is how Lago tells a dearer plan from a cheaper one.
    pub(super) fn yearly(&self) -> i64 {
        self.amount_cents * i64::from(12 / self.months())
    }
}

impl Book {
    /// The period of a subscription, now.
    pub(super) fn period(&self, subscription: &Subscription) -> Period {
        let months = self.plans.get(&subscription.plan).map_or(1, LagoPlan::months);
        Period::months(subscription.anchor, self.now, months)
    }

    /// The active subscription of this name, and its period.
    pub(super) fn running(&mut self, external: &str) -> Option<(&Subscription, Period)> {
        self.of(external, "active")?;
        let found = self.subscriptions.iter().rev().find(|it| it.external == external && it.status == "active")?;
        Some((found, self.period(found)))
    }

    /// Invoices the period that runs, if it is to be paid in advance and was not invoiced.
    pub(super) fn bill(&mut self, external: &str) {
        let now = self.now;
        let Some((subscription, period)) = self.running(external) else { return };
        let trial = subscription.trial_end().is_some_and(|end| now < end);
        let (billed, plan) = (subscription.invoiced_to, subscription.plan.clone());
        let plan = self.plans[&plan].clone();
        if trial || !plan.in_advance || billed >= period.end {
            return;
        }
        if plan.amount_cents > 0 {
            self.invoice(external, plan.amount_cents, 0, period);
        }
        self.of(external, "active").expect("the same").invoiced_to = period.end;
    }

    /// What a change to this plan costs now: for the days that are left on the new plan, and on the old one.
    pub(super) fn prorated(&mut self, external: &str, code: &str) -> Option<(i64, i64, Period)> {
        let now = self.now;
        let (subscription, period) = self.running(external)?;
        let (old, paid) = (subscription.plan.clone(), subscription.invoiced_to > now);
        let (old, new) = (self.plans[&old].clone(), self.plans.get(code)?.clone());
        let (left, all) = ((period.end - now).num_days(), (period.end - period.start).num_days());
        let part = |plan: &LagoPlan| plan.amount_cents * left / all;
        Some((part(&new), if paid { part(&old) } else { 0 }, Period { start: now, end: period.end }))
    }

    /// Ends the running subscription, and begins the dearer one under the same name.
    pub(super) fn upgrade(&mut self, external: &str, code: &str) {
        let (charge, credit, period) = self.prorated(external, code).expect("a running subscription");
        let now = self.now;
        let running = self.of(external, "active").expect("a running subscription");
        (running.status, running.ended) = ("terminated", Some(now));
        let (customer, anchor) = (running.customer.clone(), running.anchor);
        self.begin(external, &customer, code, 0, Some(anchor));
        self.invoice(external, charge, credit, period);
        self.of(external, "active").expect("the new one").invoiced_to = period.end;
    }

    /// Agrees on a cheaper plan for the next period.
    pub(super) fn downgrade(&mut self, external: &str, code: &str) {
        let now = self.now;
        if let Some(agreed) = self.of(external, "pending") {
            (agreed.status, agreed.ended) = ("canceled", Some(now));
        }
        let customer = self.of(external, "active").expect("a running subscription").customer.clone();
        self.begin(external, &customer, code, 0, None);
        let next = self.subscriptions.last_mut().expect("the new one");
        (next.status, next.started) = ("pending", None);
    }

    pub(super) fn advance_to(&mut self, to: Timestamp) {
        let names: Vec<String> = self.subscriptions.iter().map(|it| it.external.clone()).collect();
        while let Some(next) = self.next_moment().filter(|next| *next <= to) {
            self.now = next;
            for name in &names {
                self.turn(name);
            }
        }
        self.now = to;
    }

    /// When something happens next by itself.
    fn next_moment(&self) -> Option<Timestamp> {
        let active = self.subscriptions.iter().filter(|it| it.status == "active");
        let moments = active.flat_map(|it| [Some(self.period(it).end), it.trial_end(), it.ending]);
        moments.flatten().filter(|at| *at > self.now).min()
    }

    /// What the moment means for a subscription.
    fn turn(&mut self, external: &str) {
        let now = self.now;
        let Some(running) = self.of(external, "active") else { return };
        let (customer, anchor, begins) = (running.customer.clone(), running.anchor, running.invoiced_to <= now);
        if running.ending.is_some_and(|ending| ending <= now) {
            (running.status, running.ended) = ("terminated", Some(now));
            return;
        }
        if begins && let Some(next) = self.of(external, "pending") {
            (next.status, next.ended) = ("canceled", None);
            let plan = next.plan.clone();
            let running = self.of(external, "active").expect("the same");
            (running.status, running.ended) = ("terminated", Some(now));
            self.subscriptions.retain(|it| !(it.external == external && it.status == "canceled" && it.ended.is_none()));
            self.begin(external, &customer, &plan, 0, Some(anchor));
        }
        self.bill(external);
    }
}
