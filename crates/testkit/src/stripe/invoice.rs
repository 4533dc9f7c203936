//! Invoices: what they ask for, how they are paid, and what comes back.

use serde_json::{Value, json};

use super::book::{Book, Outcome, list, number, text};
use super::form::Params;
use super::problem::Problem;

/// Three days pass between two tries to charge a card.
const AGAIN: i64 = 3 * 86_400;
/// So often it is tried.
const TRIES: i64 = 4;

/// Something that an invoice charges, or gives back.
pub(super) struct Line {
    pub(super) description: String,
    pub(super) price: String,
    pub(super) quantity: i64,
    pub(super) amount: i64,
    pub(super) period: (i64, i64),
    pub(super) proration: bool,
}

/// Why an invoice was not paid.
pub(super) enum Unpaid {
    NoMethod,
    Declined(String),
}

impl From<Unpaid> for Problem {
    fn from(unpaid: Unpaid) -> Self {
        match unpaid {
            Unpaid::NoMethod => Self::no_method(),
            Unpaid::Declined(reason) => Self::declined(&reason),
        }
    }
}

impl Book {
    /// What an invoice for these lines would be, without a name.
    pub(super) fn invoice_for(&self, subscription: &Value, lines: &[Line], reason: &str) -> Value {
        let customer = &self.objects[text(subscription, "/customer")];
        let (total, balance) = (lines.iter().map(|line| line.amount).sum::<i64>(), number(customer, "/balance"));
        let used = if total > 0 { total.min((-balance).max(0)) } else { total };
        let due = if total > 0 { total - used } else { 0 };
        let item = text(subscription, "/items/data/0/id");
        let lines: Vec<_> = lines.iter().enumerate().map(|(n, line)| {
            json!({"id": format!("il_{}_{n}", self.order.len()), "object": "line_item", "amount": line.amount, "currency": subscription["currency"],
                "description": line.description, "quantity": line.quantity, "period": {"start": line.period.0, "end": line.period.1},
                "discountable": !line.proration, "livemode": false, "taxes": [], "metadata": {}, "subtotal": line.amount,
                "pricing": {"type": "price_details", "price_details": {"price": line.price, "product": "prod_fake"}},
                "parent": {"type": "subscription_item_details", "subscription_item_details":
                    {"subscription": subscription["id"], "subscription_item": item, "proration": line.proration}}})
        }).collect();
        json!({"object": "invoice", "customer": customer["id"], "customer_name": customer["name"], "customer_email": customer["email"],
            "currency": subscription["currency"], "billing_reason": reason, "collection_method": "charge_automatically",
            "subtotal": total, "total": total, "total_taxes": [], "amount_due": due, "amount_paid": 0, "amount_remaining": due,
            "starting_balance": balance, "ending_balance": balance + used, "attempted": false, "attempt_count": 0,
            "created": self.now(), "livemode": false, "due_date": null, "description": null, "metadata": {},
            "period_start": subscription["items"]["data"][0]["current_period_start"],
            "period_end": subscription["items"]["data"][0]["current_period_end"],
            "post_payment_credit_notes_amount": 0, "status": "draft", "status_transitions": {"finalized_at": null, "paid_at": null, "voided_at": null},
            "parent": {"type": "subscription_details", "quote_details": null, "subscription_details": {"subscription": subscription["id"], "metadata": {}}},
            "lines": list(&lines), "payments": list(&[]), "number": null, "invoice_pdf": null, "hosted_invoice_url": null,
            "next_payment_attempt": null})
    }

    /// Makes an invoice, and makes it final: from now on it is to be paid.
    pub(super) fn issue(&mut self, subscription: &Value, lines: &[Line], reason: &str) -> String {
        let value = self.invoice_for(subscription, lines, reason);
        let (balance, now) = (value["ending_balance"].clone(), self.now());
        let id = self.make("in", "invoice", value);
        self.invoices += 1;
        let (number, base) = (format!("FAKE-{:04}", self.invoices), self.base.clone());
        self.tell("invoice.created", &id);
        self.change(&id, |invoice| {
            invoice["number"] = json!(number);
            invoice["status"] = json!("open");
            invoice["status_transitions"]["finalized_at"] = json!(now);
            invoice["invoice_pdf"] = json!(format!("{base}/pdf/{id}"));
            invoice["hosted_invoice_url"] = json!(format!("{base}/invoice/{id}"));
        });
        self.change(text(subscription, "/customer"), |customer| customer["balance"] = balance);
        self.change(text(subscription, "/id"), |it| it["latest_invoice"] = json!(id));
        self.tell("invoice.finalized", &id);
        id
    }

    /// Charges an open invoice.
    pub(super) fn collect(&mut self, id: &str) -> Result<(), Unpaid> {
        let invoice = self.objects[id].clone();
        let due = number(&invoice, "/amount_remaining");
        if due > 0 {
            let subscription = &self.objects[text(&invoice, "/parent/subscription_details/subscription")];
            let customer = &self.objects[text(&invoice, "/customer")];
            let methods =
                [&subscription["default_payment_method"], &customer["invoice_settings"]["default_payment_method"]];
            let method = methods.iter().find_map(|method| method.as_str()).ok_or(Unpaid::NoMethod)?.to_owned();
            let refused = self.declines.get(&method).cloned();
            let payment = self.charge(&invoice, &method, refused.as_deref());
            if let Some(reason) = refused {
                self.note_failure(id);
                return Err(Unpaid::Declined(reason));
            }
            self.change(id, |it| it["payments"]["data"].as_array_mut().expect("a list").push(payment));
        }
        self.mark_paid(id, due);
        Ok(())
    }

    fn note_failure(&mut self, id: &str) {
        let now = self.now();
        self.change(id, |it| {
            let count = number(it, "/attempt_count") + 1;
            it["attempted"] = json!(true);
            it["attempt_count"] = json!(count);
            it["next_payment_attempt"] = if count < TRIES { json!(now + AGAIN) } else { Value::Null };
        });
        self.tell("invoice.payment_failed", id);
    }

    pub(super) fn mark_paid(&mut self, id: &str, amount: i64) {
        let now = self.now();
        self.change(id, |it| {
            it["status"] = json!("paid");
            it["attempted"] = json!(true);
            it["amount_paid"] = json!(amount);
            it["amount_remaining"] = json!(0);
            it["next_payment_attempt"] = Value::Null;
            it["status_transitions"]["paid_at"] = json!(now);
        });
        self.tell("invoice.paid", id);
    }

    /// A try to charge a card: what the invoice keeps of it.
    fn charge(&mut self, invoice: &Value, method: &str, refused: Option<&str>) -> Value {
        let card = self.objects[method]["card"].clone();
        let (amount, currency, customer) = (&invoice["amount_remaining"], &invoice["currency"], &invoice["customer"]);
        let worked = refused.is_none();
        let intent = self.make(
            "pi",
            "payment_intent",
            json!({"amount": amount, "currency": currency, "customer": customer,
            "status": if worked { "succeeded" } else { "requires_payment_method" }}),
        );
        let kept = if worked { amount.clone() } else { json!(0) };
        let charge = json!({"amount": amount, "amount_captured": kept, "amount_refunded": 0, "captured": worked, "paid": worked,
            "currency": currency, "customer": customer, "payment_intent": intent, "payment_method": method, "refunded": false, "disputed": false,
            "status": if worked { "succeeded" } else { "failed" }, "failure_code": refused,
            "payment_method_details": {"type": "card", "card": card}});
        let charge = self.make("ch", "charge", charge);
        self.change(&intent, |it| it["latest_charge"] = json!(charge));
        self.tell(if worked { "charge.succeeded" } else { "charge.failed" }, &charge);
        let now = self.now();
        let id = self.make("inpay", "invoice_payment", json!({"invoice": invoice["id"], "amount_paid": kept, "amount_requested": amount,
            "currency": currency, "is_default": true, "status": if worked { "paid" } else { "canceled" },
            "payment": {"type": "payment_intent", "payment_intent": intent}, "status_transitions": {"paid_at": worked.then_some(now), "canceled_at": null}}));
        self.objects[&id].clone()
    }

    pub(super) fn pay(&mut self, id: &str) -> Outcome {
        let invoice = self.get("invoice", id)?;
        match text(&invoice, "/status") {
            "open" => {}
            "paid" => return Err(Problem::coded("invoice_already_paid", "Invoice is already paid")),
            _ => return Err(Problem::invalid("This invoice cannot be paid.")),
        }
        self.collect(id)?;
        let subscription = text(&invoice, "/parent/subscription_details/subscription").to_owned();
        self.recover(&subscription, id);
        self.get("invoice", id)
    }

    /// A subscription whose newest invoice was paid after all runs again.
    pub(super) fn recover(&mut self, subscription: &str, invoice: &str) {
        let now = &self.objects[subscription];
        let waits = matches!(text(now, "/status"), "past_due" | "unpaid" | "incomplete");
        if waits && now["latest_invoice"] == invoice {
            self.set_status(subscription, "active");
        }
    }

    /// Gives a charge back, all of it.
    pub(super) fn refund(&mut self, charge: &str) -> Outcome {
        let amount = number(&self.get("charge", charge)?, "/amount_captured");
        self.change(charge, |it| {
            it["amount_refunded"] = json!(amount);
            it["refunded"] = json!(true);
        });
        self.make("re", "refund", json!({"charge": charge, "amount": amount, "status": "succeeded"}));
        self.tell("charge.refunded", charge);
        self.get("charge", charge)
    }

    /// The customer's bank asks for a charge back.
    pub(super) fn dispute(&mut self, charge: &str) -> Outcome {
        let found = self.get("charge", charge)?;
        self.change(charge, |it| it["disputed"] = json!(true));
        let id = self.make(
            "du",
            "dispute",
            json!({"charge": charge, "payment_intent": found["payment_intent"], "amount": found["amount"],
            "currency": found["currency"], "reason": "fraudulent", "status": "needs_response"}),
        );
        self.tell("charge.dispute.created", &id);
        self.get("dispute", &id)
    }

    pub(super) fn close_dispute(&mut self, id: &str, status: &str) -> Outcome {
        self.get("dispute", id)?;
        self.change(id, |it| it["status"] = json!(status));
        self.tell("charge.dispute.closed", id);
        self.get("dispute", id)
    }

    pub(super) fn create_preview(&self, params: &Params) -> Outcome {
        let subscription = self.named("subscription", params, "subscription")?;
        if params.has("customer") && params.text("customer") != subscription["customer"].as_str() {
            return Err(Problem::invalid("The subscription belongs to another customer."));
        }
        let details = Params(params.0["subscription_details"].clone());
        let (lines, ..) = self.change_of(&subscription, &details)?;
        let mut preview = self.invoice_for(&subscription, &lines, "upcoming");
        preview["id"] = json!(format!("upcoming_{}", text(&subscription, "/id")));
        Ok(preview)
    }
}

/// A document of one empty page, with the invoice's number in it.
pub(super) fn pdf(invoice: &Value) -> Vec<u8> {
    let text = format!("BT /F1 18 Tf 72 720 Td (Invoice {}) Tj ET", text(invoice, "/number"));
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>stream\n{text}\nendstream", text.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    let (mut file, mut table) = ("%PDF-1.4\n".to_owned(), String::new());
    for (n, object) in objects.iter().enumerate() {
        table = format!("{table}{:010} 00000 n \n", file.len());
        file = format!("{file}{} 0 obj{object}endobj\n", n + 1);
    }
    let start = file.len();
    format!("{file}xref\n0 6\n0000000000 65535 f \n{table}trailer<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n")
        .into_bytes()
}
