//! Lago's objects as JSON, with the members that its specification requires.

use chrono::{SecondsFormat, TimeDelta};
use kernel::Timestamp;
use serde_json::{Value, json};

use super::LagoPlan;
use super::book::{Book, CreditNote, Invoice, Payment, Subscription};

fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn maybe(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(time(at)))
}

/// The last second of what ends then.
fn last(end: Timestamp) -> Timestamp {
    end - TimeDelta::seconds(1)
}

impl Book {
    pub(super) fn customer(&self, name: &str) -> Value {
        let said = &self.customers[name];
        json!({
            "lago_id": "99a6094e-199b-4101-896a-54e927ce7bd7", "sequential_id": 1, "slug": "LAG-1234-001", "external_id": name,
            "name": said["name"], "email": said["email"], "legal_name": null, "address_line1": "5230 Penfield Ave",
            "address_line2": null, "city": "Woodland Hills", "zipcode": "91364", "state": "CA", "country": "US",
            "applicable_timezone": "UTC", "created_at": "2030-01-01T00:00:00Z",
        })
    }

    pub(super) fn subscription(&self, it: &Subscription) -> Value {
        let plan = &self.plans[&it.plan];
        let next = self
            .subscriptions
            .iter()
            .find(|other| it.status == "active" && other.status == "pending" && other.external == it.external);
        let period = self.period(it);
        let runs = it.status == "active";
        json!({
            "lago_id": it.id, "external_id": it.external, "lago_customer_id": "99a6094e-199b-4101-896a-54e927ce7bd7",
            "external_customer_id": it.customer, "billing_time": "anniversary", "name": null, "plan_code": it.plan,
            "plan_amount_cents": plan.amount_cents, "plan_amount_currency": plan.currency, "status": it.status,
            "created_at": time(it.created), "canceled_at": maybe(it.ended.filter(|_| it.status == "canceled")),
            "started_at": maybe(it.started), "ending_at": maybe(it.ending), "subscription_at": time(it.anchor),
            "terminated_at": maybe(it.ended.filter(|_| it.status == "terminated")), "previous_plan_code": null,
            "next_plan_code": next.map(|next| next.plan.clone()),
            "downgrade_plan_date": next.map(|_| period.end.format("%Y-%m-%d").to_string()),
            "trial_ended_at": maybe(it.trial_end().filter(|end| *end <= self.now)),
            "current_billing_period_started_at": maybe(runs.then_some(period.start)),
            "current_billing_period_ending_at": maybe(runs.then_some(last(period.end))),
            "on_termination_credit_note": null, "on_termination_invoice": "generate",
        })
    }

    /// The same with its plan, as it was agreed with this customer.
    pub(super) fn whole_subscription(&self, it: &Subscription) -> Value {
        let mut object = self.subscription(it);
        object["plan"] = plan(&self.plans[&it.plan], it.trial_days);
        json!({ "subscription": object })
    }

    pub(super) fn invoice_object(&self, it: &Invoice, whole: bool) -> Value {
        let taxed = it.fee + it.tax;
        let mut object = json!({
            "lago_id": it.id, "billing_entity_code": null, "number": it.number, "issuing_date": it.created.format("%Y-%m-%d").to_string(),
            "payment_due_date": it.created.format("%Y-%m-%d").to_string(), "payment_overdue": false,
            "payment_dispute_lost_at": maybe(it.disputed), "invoice_type": "subscription", "status": it.status,
            "payment_status": it.payment_status, "currency": it.currency, "fees_amount_cents": it.fee, "coupons_amount_cents": 0,
            "credit_notes_amount_cents": it.credit, "sub_total_excluding_taxes_amount_cents": it.fee,
            "taxes_amount_cents": it.tax, "sub_total_including_taxes_amount_cents": taxed, "prepaid_credit_amount_cents": 0,
            "progressive_billing_credit_amount_cents": 0, "total_amount_cents": it.total(), "version_number": 4,
            "file_url": null, "created_at": time(it.created), "updated_at": time(it.updated), "customer": self.customer(&it.customer),
        });
        if let (true, Value::Object(fields)) = (whole, &mut object) {
            let of_it =
                self.subscriptions.iter().rev().find(|other| other.external == it.external && other.plan == it.plan);
            fields.insert("subscriptions".to_owned(), json!([of_it.map(|of_it| self.subscription(of_it))]));
            fields.insert("fees".to_owned(), json!([fee(it)]));
            fields.insert(
                "billing_periods".to_owned(),
                json!([{
                    "external_subscription_id": it.external, "subscription_from_datetime": time(it.period.start),
                    "subscription_to_datetime": time(last(it.period.end)), "invoicing_reason": "subscription_periodic",
                }]),
            );
        }
        object
    }
}

fn fee(it: &Invoice) -> Value {
    json!({
        "lago_id": it.id, "amount_cents": it.fee, "amount_currency": it.currency, "taxes_amount_cents": it.tax, "units": "1.0",
        "total_amount_cents": it.fee + it.tax, "from_date": time(it.period.start), "to_date": time(last(it.period.end)),
        "payment_status": it.payment_status, "item": { "type": "subscription", "code": it.plan, "name": it.plan, "invoice_display_name": null },
    })
}

pub(super) fn plan(it: &LagoPlan, trial_days: u32) -> Value {
    json!({
        "lago_id": "1a901a90-1a90-1a90-1a90-1a901a901a90", "name": it.code, "code": it.code, "interval": it.interval,
        "created_at": "2030-01-01T00:00:00Z", "amount_cents": it.amount_cents, "amount_currency": it.currency,
        "trial_period": f64::from(trial_days), "pay_in_advance": it.in_advance,
    })
}

pub(super) fn payment(it: &Payment) -> Value {
    json!({
        "lago_id": it.invoice, "external_customer_id": it.customer, "invoice_ids": [it.invoice], "lago_payable_id": it.invoice,
        "payable_type": "Invoice", "amount_cents": it.amount, "amount_currency": it.currency, "status": "succeeded",
        "payment_status": "succeeded", "type": "provider", "reference": "", "payment_provider_type": "stripe",
        "created_at": time(it.at),
    })
}

pub(super) fn credit_note(it: &CreditNote) -> Value {
    json!({
        "lago_id": it.invoice, "lago_invoice_id": it.invoice, "external_customer_id": it.customer, "credit_status": null,
        "refund_status": "succeeded", "refund_amount_cents": it.refund, "total_amount_cents": it.refund,
    })
}
