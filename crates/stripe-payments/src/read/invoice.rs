use billing_core::{GatewayError, Invoice, InvoiceLine, InvoicePayment, InvoiceStatus, PaymentProvider};
use kernel::{InvoiceId, OrgId, Period};

use super::charge::{Charge, Charges};
use super::object::Object;

/// An invoice, as far as it decides what was paid.
#[derive(Debug, Clone)]
pub(crate) struct Bill<'a> {
    pub(crate) subscription: Option<&'a str>,
    object: Object<'a>,
}

impl<'a> Bill<'a> {
    /// Since 2025-03-31 an invoice has a parent; before, it named its subscription itself.
    pub(crate) fn read(object: Object<'a>) -> Self {
        let paths =
            ["/parent/subscription_details/subscription", "/subscription", "/subscription_details/subscription"];
        Self { subscription: object.first_id(&paths), object }
    }

    /// Whether it asks for money, or did.
    pub(crate) fn asks(&self) -> bool {
        let stands = matches!(self.object.text("/status"), Some("open" | "paid" | "uncollectible"));
        stands && self.object.number("/total").is_some_and(|total| total > 0)
    }

    pub(crate) fn is_paid(&self) -> bool {
        self.object.text("/status") == Some("paid")
    }

    /// Whether it is for a time after the period's beginning.
    pub(crate) fn covers(&self, period: Period) -> bool {
        self.object.items("/lines").filter_map(|line| line.time("/period/end")).any(|end| end > period.start)
    }

    /// The names of its payments: of intents, or of charges.
    pub(crate) fn payments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let kinds = ["/payment/payment_intent", "/payment/charge"];
        let newer = self.object.items("/payments").filter(|payment| payment.text("/status") == Some("paid"));
        let older = [self.object.id("/payment_intent"), self.object.id("/charge")];
        newer.filter_map(move |payment| payment.first_id(&kinds)).chain(older.into_iter().flatten())
    }

    pub(crate) fn charges<'c>(&self, charges: &'c Charges) -> impl Iterator<Item = &'c Charge> + use<'a, 'c> {
        self.payments().filter_map(|name| charges.get(name))
    }

    /// Whether all that was paid was given back, to the card or to the customer's balance.
    pub(crate) fn was_returned(&self, charges: &Charges) -> bool {
        let credited = self.object.number("/post_payment_credit_notes_amount").unwrap_or(0);
        let total = self.object.number("/total").unwrap_or(0);
        let mut paid = self.charges(charges).peekable();
        credited > 0 && credited >= total || paid.peek().is_some() && paid.all(|charge| charge.refunded)
    }
}

/// An invoice of an organization. Its name here is new each time: the store keeps the first one.
pub(crate) fn invoice(
    object: Object<'_>,
    (id, org): (InvoiceId, OrgId),
    charges: &Charges,
) -> Result<Invoice, GatewayError> {
    let total = object.money("/total")?;
    let lines: Vec<_> = object.items("/lines").map(line).collect();
    let text = |path: &str| object.text(path).map(str::to_owned);
    let first = lines.first().map(|line| line.description.clone());
    Ok(Invoice {
        id,
        org,
        provider: PaymentProvider::Stripe,
        external: Some(object.need("/id")?.to_owned()),
        number: text("/number"),
        status: status(object),
        subtotal_minor: object.number("/subtotal").unwrap_or(total.minor),
        tax_minor: tax(object),
        total,
        issued_at: object.need_time("/created")?,
        due_at: object.time("/due_date"),
        paid_at: object.time("/status_transitions/paid_at").filter(|_| object.text("/status") == Some("paid")),
        period: lines.iter().filter_map(|line| line.period).max_by_key(|period| (period.end, period.start)),
        plan: None,
        cycle: None,
        description: text("/description").or(first).unwrap_or_default(),
        payments: payments(object, charges),
        customer: (text("/customer_name").unwrap_or_default(), text("/customer_email").unwrap_or_default()),
        hosted_url: text("/hosted_invoice_url"),
        lines,
    })
}

fn status(object: Object<'_>) -> InvoiceStatus {
    let attempted = object.flag("/attempted") || object.number("/attempt_count").is_some_and(|count| count > 0);
    match object.text("/status") {
        Some("paid") => InvoiceStatus::Paid,
        Some("void" | "deleted") => InvoiceStatus::Void,
        Some("uncollectible") => InvoiceStatus::Failed,
        Some("open") if attempted => InvoiceStatus::Failed,
        Some("open") => InvoiceStatus::Open,
        _ => InvoiceStatus::Draft,
    }
}

/// All taxes; one number until 2025-03-31, a list since.
fn tax(object: Object<'_>) -> i64 {
    let listed: i64 = object.items("/total_taxes").filter_map(|tax| tax.number("/amount")).sum();
    if listed == 0 { object.number("/tax").unwrap_or(0) } else { listed }
}

fn line(object: Object<'_>) -> InvoiceLine {
    let amount_minor = object.number("/amount").unwrap_or(0);
    let quantity = object.number("/quantity").and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
    let each = amount_minor.checked_div(i64::from(quantity)).unwrap_or(amount_minor);
    InvoiceLine {
        description: object.text("/description").unwrap_or_default().to_owned(),
        quantity,
        unit_minor: each,
        amount_minor,
        period: object.period("/period"),
    }
}

fn payments(object: Object<'_>, charges: &Charges) -> Vec<InvoicePayment> {
    let made = object.items("/payments").filter(|payment| payment.text("/status") == Some("paid"));
    let read = |payment: Object<'_>| {
        let name = payment.first_id(&["/payment/payment_intent", "/payment/charge"]);
        let method = name.and_then(|name| charges.get(name)).map(|charge| charge.method.clone());
        Some(InvoicePayment {
            at: payment.time("/status_transitions/paid_at").or_else(|| payment.time("/created"))?,
            amount_minor: payment.number("/amount_paid").or_else(|| payment.number("/amount_requested"))?,
            method: method.unwrap_or_else(|| "stripe".to_owned()),
        })
    };
    made.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(change: Value) -> Invoice {
        let mut value =
            json!({"id": "in_1", "status": "open", "currency": "eur", "total": 1190, "subtotal": 1000, "created": 5});
        value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (id, org) = (InvoiceId::from_uuid(<_>::default()), OrgId::from_uuid(<_>::default()));
        invoice(Object::new(&value), (id, org), &Charges::default()).unwrap()
    }

    #[test]
    fn a_bare_invoice_is_read() {
        let bare = of(json!({}));
        assert_eq!(
            (bare.status, bare.total.minor, bare.tax_minor, bare.lines.len()),
            (InvoiceStatus::Open, 1190, 0, 0)
        );
    }

    #[test]
    fn where_an_invoice_stands() {
        for (change, status) in [
            (json!({"attempted": true}), InvoiceStatus::Failed),
            (json!({"status": "paid"}), InvoiceStatus::Paid),
            (json!({"status": "uncollectible"}), InvoiceStatus::Failed),
            (json!({"status": "void"}), InvoiceStatus::Void),
            (json!({"status": null}), InvoiceStatus::Draft),
        ] {
            assert_eq!(of(change.clone()).status, status, "{change}");
        }
    }

    #[test]
    fn taxes_stand_in_either_place_and_lines_have_a_price_each() {
        assert_eq!(of(json!({"total_taxes": [{"amount": 100}, {"amount": 90}]})).tax_minor, 190);
        assert_eq!(of(json!({"tax": 190})).tax_minor, 190);
        let lines = json!({"lines": {"data": [{"amount": -900, "quantity": 3, "description": "Unused time", "period": {"start": 1, "end": 9}},
            {"amount": 7, "quantity": 0}]}});
        let invoice = of(lines);
        assert_eq!((invoice.lines[0].unit_minor, invoice.lines[1].unit_minor), (-300, 7));
        assert_eq!((invoice.description.as_str(), invoice.period.unwrap().end.timestamp()), ("Unused time", 9));
    }
}
