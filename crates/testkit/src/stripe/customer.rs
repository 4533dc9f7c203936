//! Customers, what they pay with, and the page on which they look after it.

use serde_json::{Value, json};

use super::book::{Book, Outcome, text};
use super::form::Params;
use super::problem::Problem;

/// Stripe's test tokens: brand, last four digits, funding, and why the card does not pay.
const CARDS: [(&str, &str, &str, &str, Refusal); 10] = [
    ("pm_card_visa", "visa", "4242", "credit", Refusal::Never),
    ("pm_card_visa_debit", "visa", "5556", "debit", Refusal::Never),
    ("pm_card_mastercard", "mastercard", "4444", "credit", Refusal::Never),
    ("pm_card_amex", "amex", "8431", "credit", Refusal::Never),
    ("pm_card_prepaid", "mastercard", "5100", "prepaid", Refusal::Never),
    ("pm_card_chargeDeclined", "visa", "0002", "credit", Refusal::AtOnce("generic_decline")),
    ("pm_card_chargeDeclinedInsufficientFunds", "visa", "9995", "credit", Refusal::AtOnce("insufficient_funds")),
    ("pm_card_chargeDeclinedExpiredCard", "visa", "0069", "credit", Refusal::AtOnce("expired_card")),
    ("pm_card_chargeCustomerFail", "visa", "0341", "credit", Refusal::WhenCharged("generic_decline")),
    ("pm_card_authenticationRequired", "visa", "3184", "credit", Refusal::WhenCharged("authentication_required")),
];

/// When a card says no.
#[derive(Clone, Copy)]
enum Refusal {
    Never,
    /// When it is to be kept.
    AtOnce(&'static str),
    /// When it is to pay.
    WhenCharged(&'static str),
}

impl Book {
    pub(super) fn create_customer(&mut self, params: &Params) -> String {
        let metadata = params.0.get("metadata").cloned().unwrap_or_else(|| json!({}));
        let value = json!({"name": params.text("name"), "email": params.text("email"), "metadata": metadata, "balance": 0,
            "currency": null, "delinquent": false,
            "invoice_settings": {"default_payment_method": null, "custom_fields": null, "footer": null}});
        let id = self.make("cus", "customer", value);
        self.tell("customer.created", &id);
        id
    }

    pub(super) fn update_customer(&mut self, id: &str, params: &Params) -> Outcome {
        self.get("customer", id)?;
        if let Some(method) = params.text("invoice_settings/default_payment_method").filter(|it| !it.is_empty()) {
            self.method_of(id, method)?;
        }
        self.change(id, |customer| {
            for field in ["name", "email"] {
                if let Some(value) = params.text(field) {
                    customer[field] = json!(value);
                }
            }
            if let Some(method) = params.text("invoice_settings/default_payment_method") {
                customer["invoice_settings"]["default_payment_method"] = json!((!method.is_empty()).then_some(method));
            }
        });
        self.tell("customer.updated", id);
        self.get("customer", id)
    }

    /// A method that this customer has.
    pub(super) fn method_of(&self, customer: &str, method: &str) -> Outcome {
        let missing = || Problem::missing("payment_method", method);
        let found = self.get("payment_method", method).or(Err(missing()))?;
        if found["customer"] == customer { Ok(found) } else { Err(missing()) }
    }

    /// A card that nobody has yet, as a browser makes one.
    pub(super) fn card(&mut self, token: &str) -> Outcome {
        let known = CARDS.iter().find(|(name, ..)| *name == token);
        let (name, brand, last4, funding, refusal) = known.ok_or_else(|| Problem::not_found(token))?;
        let value = json!({"type": "card", "customer": null, "metadata": {}, "billing_details": {"email": null, "name": null},
            "card": {"brand": brand, "display_brand": brand, "last4": last4, "funding": funding, "country": "US",
                "exp_month": 12, "exp_year": 2034, "fingerprint": name}});
        let id = self.make("pm", "payment_method", value);
        match refusal {
            Refusal::Never => {}
            Refusal::AtOnce(reason) => drop(self.declines.insert(format!("{id} at once"), (*reason).to_owned())),
            Refusal::WhenCharged(reason) => drop(self.declines.insert(id.clone(), (*reason).to_owned())),
        }
        self.get("payment_method", &id)
    }

    pub(super) fn attach(&mut self, method: &str, customer: &str) -> Outcome {
        self.get("customer", customer).or(Err(Problem::missing("customer", customer)))?;
        // A token is nobody's: each time it is used it becomes another card.
        let found =
            if method.starts_with("pm_card_") { self.card(method)? } else { self.get("payment_method", method)? };
        let id = text(&found, "/id").to_owned();
        match found["customer"].as_str() {
            Some(owner) if owner == customer => return Ok(found),
            Some(_) => return Err(Problem::invalid("The payment method has already been attached to a customer.")),
            None => {}
        }
        if let Some(reason) = self.declines.get(&format!("{id} at once")) {
            return Err(Problem::declined(reason));
        }
        self.change(&id, |it| it["customer"] = json!(customer));
        self.tell("payment_method.attached", &id);
        self.get("payment_method", &id)
    }

    pub(super) fn detach(&mut self, method: &str) -> Outcome {
        let found = self.get("payment_method", method)?;
        let owner = text(&found, "/customer").to_owned();
        if owner.is_empty() {
            return Err(Problem::invalid("The payment method you provided is not attached to a customer."));
        }
        self.change(method, |it| it["customer"] = Value::Null);
        if self.objects[&owner]["invoice_settings"]["default_payment_method"] == method {
            self.change(&owner, |it| it["invoice_settings"]["default_payment_method"] = Value::Null);
        }
        for subscription in self.of("subscription", "customer", &owner) {
            if subscription["default_payment_method"] == method {
                self.change(text(&subscription, "/id"), |it| it["default_payment_method"] = Value::Null);
            }
        }
        let now = self.get("payment_method", method)?;
        self.tell_of("payment_method.detached", now.clone(), &json!({"customer": owner}));
        Ok(now)
    }

    pub(super) fn create_setup_intent(&mut self, params: &Params) -> Outcome {
        let customer = self.named("customer", params, "customer")?;
        let value = json!({"customer": customer["id"], "status": "requires_payment_method", "payment_method": null,
            "usage": params.text("usage").unwrap_or("off_session")});
        let id = self.make("seti", "setup_intent", value);
        self.change(&id, |it| it["client_secret"] = json!(format!("{id}_secret_fake")));
        self.tell("setup_intent.created", &id);
        self.get("setup_intent", &id)
    }

    /// What the browser does with a setup intent's secret.
    pub(super) fn confirm_setup(&mut self, id: &str, method: &str) -> Outcome {
        let intent = self.get("setup_intent", id)?;
        let kept = self.attach(method, text(&intent, "/customer"))?;
        self.change(id, |it| {
            it["payment_method"] = kept["id"].clone();
            it["status"] = json!("succeeded");
        });
        self.tell("setup_intent.succeeded", id);
        self.get("setup_intent", id)
    }

    pub(super) fn create_portal(&mut self, params: &Params) -> Outcome {
        let customer = self.named("customer", params, "customer")?;
        let value = json!({"customer": customer["id"], "return_url": params.text("return_url")});
        let id = self.make("bps", "billing_portal.session", value);
        let url = format!("{}/portal/{id}", self.base);
        self.change(&id, |it| it["url"] = json!(url));
        self.get("billing_portal.session", &id)
    }
}
